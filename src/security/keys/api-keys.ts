import { WatchedFiles } from '../../internal/watched-files.ts'
import { McpError } from '../../protocol/errors.ts'
import type { AuthInfo } from '../../protocol/types.ts'
import type { Authenticate, AuthRequest } from '../../server/authenticator.ts'
import {
  type ApiKeyRecord,
  createApiKey,
  isSecretOf,
  looksLikeApiKey,
  type NewApiKey,
  splitApiKey,
} from './api-key.ts'
import { readKeyFile, writeKeyFile } from './key-file.ts'

export interface ApiKeysOptions {
  /** Told when the file has changed and cannot be read: the keys from before stay good. Default: a warning. */
  onError?: (error: unknown) => void
}

interface Entry {
  readonly record: ApiKeyRecord
  /** One object for all requests with the key, so that what is worked out for a caller can be kept with it. */
  readonly authInfo: AuthInfo
  readonly expiresMs: number
}

/** The keys of a file: callers are recognised by them, and changes of the file count at once. */
export class ApiKeys {
  readonly #path: string
  readonly #entries = new Map<string, Entry>()
  readonly #watched: WatchedFiles
  readonly #onError: (error: unknown) => void

  /**
   * @param path - the file that `tsmcp keys` writes; it need not exist yet
   * @throws TypeError when it is no file of keys
   */
  constructor(path: string, options: ApiKeysOptions = {}) {
    this.#path = path
    this.#onError = options.onError ?? warn
    this.#load()
    this.#watched = new WatchedFiles(() => this.reload(), { keepsAlive: false })
    this.#watched.add([path], Date.now())
  }

  /** The hook for `serveHttp`: takes `Authorization: Bearer KEY` and `x-api-key: KEY`. */
  get authenticate(): Authenticate {
    return (request) => {
      const key = keyOf(request)
      return key === undefined ? undefined : this.identify(key, Date.now())
    }
  }

  /**
   * Who brings a key.
   *
   * @returns undefined for what has not the form of a key, so that it may be another kind of token
   * @throws McpError UNAUTHORIZED for a key that is unknown, wrong, revoked or expired: which of it, is not said
   */
  identify(key: string, nowMs: number): AuthInfo | undefined {
    if (!looksLikeApiKey(key)) return undefined
    const parts = splitApiKey(key)
    const entry = parts && this.#entries.get(parts.id)
    if (
      parts === undefined ||
      entry === undefined ||
      !isSecretOf(entry.record, parts.secret) ||
      entry.record.revokedAt !== undefined ||
      nowMs >= entry.expiresMs
    ) {
      throw new McpError('UNAUTHORIZED', 'The API key is not valid')
    }
    return entry.authInfo
  }

  /** Reads the file again. What is wrong with it goes to `onError`. */
  reload(): void {
    try {
      this.#load()
    } catch (error) {
      this.#onError(error)
    }
  }

  /** Stops watching the file. */
  close(): void {
    this.#watched.close()
  }

  #load(): void {
    const records = readKeyFile(this.#path)
    this.#entries.clear()
    for (const record of records) this.#entries.set(record.id, entryOf(record))
  }
}

function entryOf(record: ApiKeyRecord): Entry {
  const expiresMs =
    record.expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(record.expiresAt)
  const authInfo: AuthInfo = Object.freeze({
    subject: record.subject,
    scopes: record.scopes,
    ...(Number.isFinite(expiresMs) && { expiresAt: Math.floor(expiresMs / 1000) }),
    claims: { api_key: { id: record.id, name: record.name } },
  })
  return { record, authInfo, expiresMs }
}

function keyOf(request: AuthRequest): string | undefined {
  const own = request.getHeader('x-api-key')
  if (own !== undefined) return own
  const authorization = request.getHeader('authorization')
  if (authorization === undefined || authorization.length > 200) return undefined
  return /^bearer +(\S+)$/i.exec(authorization)?.[1]
}

function warn(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  process.emitWarning(`API keys were not reloaded: ${message}`, { code: 'TSMCP_KEYS' })
}

/** Adds a key to a file. @returns the key, which cannot be shown again */
export function addApiKey(
  path: string,
  wanted: NewApiKey,
  now = new Date(),
): { key: string; record: ApiKeyRecord } {
  const keys = readKeyFile(path)
  if (keys.some(({ name, revokedAt }) => name === wanted.name && revokedAt === undefined)) {
    throw new TypeError(`There is a key "${wanted.name}" already: revoke it first`)
  }
  const made = createApiKey(wanted, now)
  writeKeyFile(path, [...keys, made.record])
  return made
}

/** Makes a key void, by its name or id. @throws TypeError when there is none that is good */
export function revokeApiKey(path: string, nameOrId: string, now = new Date()): ApiKeyRecord {
  const keys = readKeyFile(path)
  const found = keys.find(
    ({ id, name, revokedAt }) => (id === nameOrId || name === nameOrId) && revokedAt === undefined,
  )
  if (found === undefined) throw new TypeError(`There is no key "${nameOrId}" that is not revoked`)
  const revoked = { ...found, revokedAt: now.toISOString() }
  writeKeyFile(
    path,
    keys.map((each) => (each === found ? revoked : each)),
  )
  return revoked
}
