import { builtin } from '../internal/builtin.ts'
import { randomId } from '../internal/random-id.ts'
import { UsedInMemory, type UsedOnce } from '../internal/used-once.ts'
import { McpError } from '../protocol/errors.ts'
import { isJsonObject } from '../protocol/json-rpc.ts'
import type { JsonObject } from '../protocol/types.ts'
import { mapMaybe } from './maybe-promise.ts'

/** What a handler has been told so far, on its way through the client between two rounds of one request. */
export interface RequestState {
  /** The client's answers by the key of the input request. */
  readonly answers: Readonly<Record<string, JsonObject>>
}

export interface RequestStateOptions {
  /** At least 16 bytes, the same on all nodes that serve one client. Default: random, which ends with the process. */
  secret?: string | Uint8Array
  /** Milliseconds for which a state is good. Default 10 minutes. */
  ttlMs?: number
  /**
   * Takes each state once: for handlers that must not go on twice from the same answer. What has been used is known to
   * all processes that serve the same `data` and after their restart; without `data` to this process alone, to which
   * all rounds of a request must come. Default false.
   */
  singleUse?: boolean
}

/** Used states that are remembered in memory. */
const maxUsed = 100_000
/** A longer state is refused in either direction. */
const maxLength = 64 * 1024

/**
 * Writes and reads `requestState` (2026-07-28, basic/patterns/mrtr).
 *
 * The state is signed (HMAC-SHA-256) and bound to the principal, to method and parameters of the request, and to a
 * time of expiry, so that it is of no use to another, elsewhere or later. It is not encrypted: it holds nothing but
 * what the client itself has answered.
 */
export class RequestStateCodec {
  #secret: Uint8Array | undefined
  readonly #hasOwnSecret: boolean
  readonly #ttlMs: number
  /** The states that were used; undefined: they may be used again. */
  #used: UsedOnce | undefined

  /**
   * @param used - remembers used states until `rememberIn` is called
   * @throws RangeError for a secret that is too short
   */
  constructor(
    { secret, ttlMs = 600_000, singleUse = false }: RequestStateOptions = {},
    used: UsedOnce = new UsedInMemory(maxUsed),
  ) {
    this.#secret = secret === undefined ? undefined : checked(secret)
    this.#hasOwnSecret = secret !== undefined
    this.#ttlMs = ttlMs
    this.#used = singleUse ? used : undefined
  }

  /** Signs with that secret from here on, if the server has not been given one of its own. */
  useSecret(secret: string): void {
    if (this.#hasOwnSecret) return
    this.#secret = checked(secret)
  }

  /** Remembers there from here on what has been used, if the server wants that remembered. */
  rememberIn(used: UsedOnce): void {
    if (this.#used !== undefined) this.#used = used
  }

  encode(state: RequestState, binding: string, nowMs: number): string {
    const payload = Buffer.from(
      JSON.stringify({
        answers: state.answers,
        expires: nowMs + this.#ttlMs,
        // Two states of one millisecond are two, where each can be used once.
        ...(this.#used !== undefined && { id: randomId() }),
      }),
    ).toString('base64url')
    const encoded = `${payload}.${this.#sign(payload, binding)}`
    if (encoded.length > maxLength) {
      throw new McpError('INVALID_PARAMS', 'Invalid params: the answers are too long to carry on')
    }
    return encoded
  }

  /** @throws McpError INVALID_PARAMS for anything but a state of ours, for this request, that is still good */
  decode(encoded: unknown, binding: string, nowMs: number): RequestState | Promise<RequestState> {
    if (typeof encoded !== 'string') throw refused('must be a string')
    if (encoded.length > maxLength) throw refused('is too long')
    const dot = encoded.indexOf('.')
    const payload = encoded.slice(0, Math.max(dot, 0))
    const given = Buffer.from(encoded.slice(dot + 1))
    const expected = Buffer.from(this.#sign(payload, binding))
    if (given.length !== expected.length || !builtin.crypto.timingSafeEqual(given, expected)) {
      throw refused('fails verification')
    }
    const state: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
    if (!isJsonObject(state) || typeof state.expires !== 'number') throw refused('is malformed')
    if (nowMs > state.expires) throw refused('has expired')
    const read = { answers: state.answers as RequestState['answers'] }
    const use = this.#used?.use(expected.toString(), state.expires, nowMs) ?? 'first'
    return mapMaybe(use, (outcome) => {
      if (outcome === 'repeated') throw refused('has been used')
      if (outcome === 'unknown') throw refused('cannot be taken now: try again later')
      return read
    })
  }

  #sign(payload: string, binding: string): string {
    this.#secret ??= builtin.crypto.randomBytes(32)
    return builtin.crypto
      .createHmac('sha256', this.#secret)
      .update(`${payload}\n${binding}`)
      .digest('base64url')
  }
}

function checked(secret: string | Uint8Array): Uint8Array {
  const bytes = Buffer.from(secret)
  if (bytes.length < 16) throw new RangeError('requestState.secret needs at least 16 bytes')
  return bytes
}

function refused(what: string): McpError {
  return new McpError('INVALID_PARAMS', `Invalid params: requestState ${what}`)
}

/** What a state is bound to: who asks, for what, with which parameters. */
export function stateBinding(
  principal: string | undefined,
  method: string,
  params: JsonObject | undefined,
): string {
  const salient = { name: params?.name, uri: params?.uri, arguments: params?.arguments }
  const digest = builtin.crypto
    .createHash('sha256')
    .update(canonicalJson(salient))
    .digest('base64url')
  return JSON.stringify([principal ?? null, method, digest])
}

/** JSON with sorted keys: a client may repeat its arguments in another order. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => {
    if (!isJsonObject(each)) return each
    return Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
