import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose'
import { fetchJson } from './safe-fetch.ts'

export interface KeyOptions {
  /** Milliseconds for which keys are kept before they are fetched anew. Default 10 minutes. */
  maxAgeMs?: number
  /** Milliseconds between two fetches, whatever unknown keys tokens name. Default 30,000. */
  cooldownMs?: number
}

export const defaultKeyAgeMs = 600_000

/** The keys of an issuer, which fetch themselves: when there are none, when they are old, and when a new one is named. */
export function issuerKeys(jwksUri: string, issuer: URL, options: KeyOptions): JWTVerifyGetKey {
  const { maxAgeMs = defaultKeyAgeMs, cooldownMs = 30_000 } = options
  let failedAtMs = Number.NEGATIVE_INFINITY
  let failure = new KeysUnavailable()
  return createRemoteJWKSet(new URL(jwksUri), {
    cacheMaxAge: maxAgeMs,
    cooldownDuration: cooldownMs,
    [customFetch]: async (url) => {
      // jose waits between successes only.
      if (Date.now() - failedAtMs < Math.min(cooldownMs, 5000)) throw failure
      try {
        return Response.json(await fetchJson({ url, issuer }))
      } catch (error) {
        failedAtMs = Date.now()
        failure = new KeysUnavailable({ cause: error })
        throw failure
      }
    },
  })
}

/** The keys cannot be had at the moment: nothing is known of the token. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable'
  constructor(options?: ErrorOptions) {
    super('the keys of the issuer cannot be fetched', options)
  }
}
