import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Link } from './chain.ts'

/** Signs where a log stands, so that who writes its file without the key cannot make up another past. */
export interface AuditSigner {
  /** Which key it is. */
  readonly keyId: string
  readonly publicPem: string
  sign(what: SignedPlace, link: Link): string
}

/** What a signature is for: none can stand for the other. */
export type SignedPlace = 'checkpoint' | 'head'

/** Reads the Ed25519 key of a file; one that does not exist is made, for its owner alone. @throws TypeError for another kind */
export function auditSignerOf(path: string): AuditSigner {
  if (!existsSync(path)) {
    const { privateKey } = generateKeyPairSync('ed25519')
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
    writeFileSync(path, pem, { mode: 0o600, flag: 'wx', flush: true })
  }
  return auditSigner(readFileSync(path, 'utf8'), path)
}

/** @param name - what messages call the key */
export function auditSigner(pem: string, name: string): AuditSigner {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch (error) {
    throw new TypeError(`${name} is no private key in PEM`, { cause: error })
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new TypeError(`${name} is no Ed25519 key`)
  const publicKey = createPublicKey(key)
  return {
    keyId: keyIdOf(publicKey),
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    sign: (what, link) => sign(null, signedText(what, link), key).toString('base64url'),
  }
}

/** The public part of a key, to check signatures by. @throws TypeError */
export function auditVerifier(pem: string, name: string) {
  let key: KeyObject
  try {
    key = createPublicKey(pem)
  } catch (error) {
    throw new TypeError(`${name} is no public key in PEM`, { cause: error })
  }
  return {
    keyId: keyIdOf(key),
    verify: (what: SignedPlace, link: Link, signature: unknown): boolean =>
      typeof signature === 'string' &&
      verify(null, signedText(what, link), key, Buffer.from(signature, 'base64url')),
  }
}

export type AuditVerifier = ReturnType<typeof auditVerifier>

function keyIdOf(key: KeyObject): string {
  const der = key.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(der).digest('base64url').slice(0, 16)
}

function signedText(what: SignedPlace, { seq, hash }: Link): Buffer {
  return Buffer.from(`tsmcp audit ${what}\n${seq}\n${hash}`)
}
