import { builtin } from '../../internal/builtin.ts'

const periodMs = 120_000

/** Nonces for DPoP proofs (RFC 9449, 8): signed times, so that none need be remembered. */
export class DpopNonces {
  #secret: Uint8Array
  readonly #hasOwnSecret: boolean

  /** @throws RangeError for a secret under 32 bytes */
  constructor(secret: string | Uint8Array | undefined) {
    this.#hasOwnSecret = secret !== undefined
    this.#secret = secret === undefined ? builtin.crypto.randomBytes(32) : Buffer.from(secret)
    if (this.#secret.length < 32) throw new RangeError('dpop.nonceSecret needs at least 32 bytes')
  }

  /** Signs with what is made of that secret from here on, if it was not given one of its own. */
  share(secret: Uint8Array): void {
    if (this.#hasOwnSecret) return
    this.#secret = builtin.crypto.createHmac('sha256', secret).update('DPoP nonces').digest()
  }

  current(nowMs: number): string {
    return this.#of(Math.floor(nowMs / periodMs))
  }

  /** Whether it is one of ours, of this period or the one before. */
  isGood(nonce: unknown, nowMs: number): boolean {
    const period = Math.floor(nowMs / periodMs)
    return nonce === this.#of(period) || nonce === this.#of(period - 1)
  }

  #of(period: number): string {
    return builtin.crypto
      .createHmac('sha256', this.#secret)
      .update(`dpop ${period}`)
      .digest('base64url')
  }
}
