import { builtin } from '../../internal/builtin.ts'
import { isJsonObject } from '../../protocol/json-rpc.ts'

/** What is kept of a key. The key itself is shown once, when it is made. */
export interface ApiKeyRecord {
  /** The public part of the key, by which it is found. */
  readonly id: string
  /** What it is for, for people and for policies. */
  readonly name: string
  /** Who the caller is that brings it. */
  readonly subject: string
  readonly scopes: readonly string[]
  /** Random, base64url. */
  readonly salt: string
  /** SHA-256 over salt and secret, base64url. */
  readonly hash: string
  /** ISO 8601, as all times here. */
  readonly createdAt: string
  readonly expiresAt?: string
  readonly revokedAt?: string
}

export interface NewApiKey {
  name: string
  /** Default: `key:` and the name. */
  subject?: string
  scopes?: readonly string[]
  expiresAt?: Date
}

const prefix = 'tsmcp_'
const idBytes = 9
const secretBytes = 32
/** The prefix, twelve characters of id, one that separates, 43 of secret. */
const keyPattern = /^tsmcp_([A-Za-z0-9_-]{12})\.([A-Za-z0-9_-]{43})$/
const namePattern = /^[\w.@:/-]{1,100}$/
const scopePattern = /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/

/**
 * Makes a key.
 *
 * The secret has 256 random bits, so that nobody guesses it however fast the hash is: a salted SHA-256 protects it
 * at rest as scrypt would protect a password, and costs a microsecond a request in place of a tenth of a second, which
 * anyone could make the server spend by sending wrong keys.
 *
 * @throws TypeError for a name, subject or scope that cannot be one
 */
export function createApiKey(
  { name, subject = `key:${name}`, scopes = [], expiresAt }: NewApiKey,
  now: Date,
): { key: string; record: ApiKeyRecord } {
  if (!namePattern.test(name)) {
    throw new TypeError('The name of a key has 1 to 100 letters, digits and _ . @ : / -')
  }
  if (!namePattern.test(subject)) {
    throw new TypeError('The subject of a key has 1 to 100 letters, digits and _ . @ : / -')
  }
  const badScope = scopes.find((scope) => !scopePattern.test(scope))
  if (badScope !== undefined) throw new TypeError(`Not a scope: "${badScope}"`)
  if (expiresAt !== undefined && !(expiresAt.getTime() > now.getTime())) {
    throw new TypeError('A key must expire in the future')
  }
  const { randomBytes } = builtin.crypto
  const id = randomBytes(idBytes).toString('base64url')
  const secret = randomBytes(secretBytes).toString('base64url')
  const salt = randomBytes(16).toString('base64url')
  const record: ApiKeyRecord = {
    id,
    name,
    subject,
    scopes: [...scopes],
    salt,
    hash: hashOf(salt, secret).toString('base64url'),
    createdAt: now.toISOString(),
    ...(expiresAt !== undefined && { expiresAt: expiresAt.toISOString() }),
  }
  return { key: `${prefix}${id}.${secret}`, record }
}

/** Whether a credential has the form of a key, so that no other authenticator need look at it. */
export function looksLikeApiKey(credential: string): boolean {
  return credential.startsWith(prefix)
}

/** The parts of a key; undefined for what is none. */
export function splitApiKey(key: string): { id: string; secret: string } | undefined {
  const [, id, secret] = keyPattern.exec(key) ?? []
  return id === undefined || secret === undefined ? undefined : { id, secret }
}

/** Whether the secret belongs to the record. Takes the same time wherever they differ. */
export function isSecretOf({ salt, hash }: ApiKeyRecord, secret: string): boolean {
  const expected = Buffer.from(hash, 'base64url')
  const given = hashOf(salt, secret)
  return expected.length === given.length && builtin.crypto.timingSafeEqual(expected, given)
}

function hashOf(salt: string, secret: string): Buffer {
  return builtin.crypto.createHash('sha256').update(`${salt}.${secret}`).digest()
}

/**
 * Reads a record as it is kept.
 *
 * @throws TypeError that says which member is wrong
 */
export function readApiKeyRecord(value: unknown): ApiKeyRecord {
  if (!isJsonObject(value)) throw new TypeError('a key must be an object')
  for (const member of ['id', 'name', 'subject', 'salt', 'hash', 'createdAt']) {
    if (typeof value[member] !== 'string') throw new TypeError(`${member} must be a string`)
  }
  for (const member of ['createdAt', 'expiresAt', 'revokedAt']) {
    const time = value[member]
    if (time !== undefined && !(typeof time === 'string' && Date.parse(time) > 0)) {
      throw new TypeError(`${member} must be a time such as 2026-01-31T00:00:00.000Z`)
    }
  }
  const { scopes } = value
  if (!Array.isArray(scopes) || !scopes.every((each) => typeof each === 'string')) {
    throw new TypeError('scopes must be an array of strings')
  }
  return value as unknown as ApiKeyRecord
}
