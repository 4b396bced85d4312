import { calculateJwkThumbprint, EmbeddedJWK, type JWTPayload, jwtVerify } from 'jose'
import { builtin } from '../../internal/builtin.ts'
import { UsedInMemory, type UsedOnce } from '../../internal/used-once.ts'
import { McpError } from '../../protocol/errors.ts'
import type { AuthRequest } from '../../server/authenticator.ts'
import type { SharedState } from '../../server/shared-state.ts'
import { DpopNonces } from './dpop-nonces.ts'
import { signatureAlgorithms } from './jwt.ts'
import { unavailable } from './refusals.ts'
import { comparableUri } from './resource-uri.ts'

export interface DpopOptions {
  /**
   * Asks for proofs made with a nonce of ours, so that none can be made in advance. Default false.
   */
  nonce?: boolean
  /**
   * Signs nonces; the same on all nodes. At least 32 bytes. Default: made of what the processes of `data` share, or
   * random.
   */
  nonceSecret?: string | Uint8Array
}

/** Seconds for which a proof is good: clocks, and slow connections. */
const maxAgeSeconds = 60
const maxProofLength = 8 * 1024
const maxIdLength = 256
/** Proofs that are remembered in memory. */
const maxSeen = 200_000

/** Checks that the sender of a token has the key that the token is bound to (RFC 9449, 4.3 and 7). */
export class Dpop {
  readonly #resource: string
  readonly #toleranceSeconds: number
  readonly #nonces: DpopNonces | undefined
  #seen: UsedOnce = new UsedInMemory(maxSeen)

  /** @param resource - the canonical URI of this server, as clients call it */
  constructor(resource: string, toleranceSeconds: number, options: DpopOptions = {}) {
    this.#resource = resource
    this.#toleranceSeconds = toleranceSeconds
    this.#nonces = options.nonce === true ? new DpopNonces(options.nonceSecret) : undefined
  }

  share({ secret, used }: SharedState): void {
    this.#nonces?.share(secret)
    this.#seen = used
  }

  /** A nonce for the client's next proof; undefined where none is asked for. */
  nonce(): string | undefined {
    return this.#nonces?.current(Date.now())
  }

  /**
   * @param jkt - thumbprint of the key that the token is bound to
   * @throws McpError UNAUTHORIZED
   */
  async check(request: AuthRequest, token: string, jkt: string): Promise<void> {
    const proof = request.getHeader('dpop')
    if (proof === undefined) throw invalidProof('A DPoP proof is required')
    if (proof.length > maxProofLength) throw invalidProof()
    const { payload, thumbprint } = await verifyProof(proof)
    if (thumbprint !== jkt) throw invalidProof('The DPoP proof is made with another key')
    const { htm, htu, iat, jti, ath, nonce } = payload
    if (htm !== request.method || !this.#isOurs(htu, request.target)) {
      throw invalidProof('The DPoP proof is for another request')
    }
    if (ath !== builtin.crypto.hash('sha256', token, 'base64url'))
      throw invalidProof('The DPoP proof is for another token')
    const nowMs = Date.now()
    if (this.#nonces !== undefined && !this.#nonces.isGood(nonce, nowMs)) throw nonceRequired()
    const ageSeconds = nowMs / 1000 - (typeof iat === 'number' ? iat : Number.NaN)
    const tolerance = this.#toleranceSeconds
    if (!(ageSeconds <= maxAgeSeconds + tolerance && ageSeconds >= -tolerance)) {
      throw invalidProof('The DPoP proof is too old or from the future')
    }
    if (typeof jti !== 'string' || jti === '' || jti.length > maxIdLength) throw invalidProof()
    // Last: only what is good in every other way is remembered, so that nobody else can fill the memory.
    const id = builtin.crypto.hash('sha256', `${jkt}\n${jti}`, 'base64url')
    const use = await this.#seen.use(id, nowMs + (maxAgeSeconds + 2 * tolerance) * 1000, nowMs)
    if (use === 'repeated') throw invalidProof('The DPoP proof has been used before')
    if (use === 'unknown') throw unavailable(new Error('DPoP proofs cannot be remembered'))
  }

  /** Behind a proxy the path may have been rewritten; the URI of the resource is what clients call. */
  #isOurs(htu: unknown, target: string): boolean {
    if (typeof htu !== 'string') return false
    const called = comparableUri(htu.replace(/[?#].*$/s, ''))
    const path = target.replace(/[?#].*$/s, '')
    return (
      called === this.#resource ||
      called === comparableUri(`${new URL(this.#resource).origin}${path}`)
    )
  }
}

async function verifyProof(proof: string): Promise<{ payload: JWTPayload; thumbprint: string }> {
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: [...signatureAlgorithms],
      requiredClaims: ['htm', 'htu', 'iat', 'jti', 'ath'],
    })
    const thumbprint = await calculateJwkThumbprint(protectedHeader.jwk ?? {})
    return { payload, thumbprint }
  } catch (error) {
    throw invalidProof('The DPoP proof is not valid', error)
  }
}

function invalidProof(description = 'The DPoP proof is not valid', cause?: unknown): McpError {
  return new McpError('UNAUTHORIZED', description, {
    cause,
    challenge: { error: 'invalid_dpop_proof', description },
  })
}

function nonceRequired(): McpError {
  const description = 'The DPoP proof needs the nonce of this response'
  return new McpError('UNAUTHORIZED', description, {
    challenge: { error: 'use_dpop_nonce', description },
  })
}
