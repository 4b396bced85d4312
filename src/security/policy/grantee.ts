import { isJsonObject } from '../../protocol/json-rpc.ts'
import type { AuthInfo } from '../../protocol/types.ts'
import { keyNameOf } from '../keys/key-name.ts'
import { compileGlob, type Matcher } from './glob.ts'
import { type Grantee, listOf, type OneOrMore } from './policy-document.ts'

/** Whom a grant is for. */
export interface GranteeMatcher {
  matches(caller: AuthInfo | undefined): boolean
  /** Scopes one of which is all that an authenticated caller lacks; empty where more than a scope is missing. */
  lackedScopes(caller: AuthInfo): readonly string[]
}

const none: readonly string[] = []

export function compileGrantee(to: Grantee): GranteeMatcher {
  if (to.everyone) return { matches: () => true, lackedScopes: () => none }
  if (to.anonymous) {
    return { matches: (caller) => caller === undefined, lackedScopes: () => none }
  }
  const scopes = listOf(to.scopes)
  const hasScope = ({ scopes: granted }: AuthInfo) =>
    to.scopes === undefined || granted?.some((scope) => scopes.includes(scope)) === true
  const tests: ((caller: AuthInfo) => boolean)[] = []
  if (to.subjects !== undefined) {
    const matches = anyOf(to.subjects)
    tests.push(({ subject }) => matches(subject))
  }
  if (to.issuers !== undefined) {
    const matches = anyOf(to.issuers)
    tests.push(({ issuer }) => issuer !== undefined && matches(issuer))
  }
  if (to.keys !== undefined) {
    const matches = anyOf(to.keys)
    tests.push((caller) => {
      const name = keyNameOf(caller)
      return name !== undefined && matches(name)
    })
  }
  if (to.certificates !== undefined) {
    const matches = anyOf(to.certificates)
    tests.push((caller) => certificateNamesOf(caller).some(matches))
  }
  for (const [name, values] of Object.entries(to.claims ?? {})) {
    const matches = anyOf(values)
    tests.push(({ claims }) => claimValues(claims, name).some(matches))
  }
  const isButForScopes = (caller: AuthInfo) => tests.every((holds) => holds(caller))
  return {
    matches: (caller) => caller !== undefined && hasScope(caller) && isButForScopes(caller),
    lackedScopes: (caller) => (!hasScope(caller) && isButForScopes(caller) ? scopes : none),
  }
}

/** Whether a text matches one of some patterns. */
export function anyOf(patterns: OneOrMore): Matcher {
  const matchers = listOf(patterns).map(compileGlob)
  return (text) => matchers.some((matches) => matches(text))
}

/** The names of a client certificate: its subject, and its alternative names such as `DNS:build.example.com`. */
function certificateNamesOf(caller: AuthInfo): string[] {
  const { certificate } = caller
  return certificate === undefined ? [] : [certificate.subject, ...certificate.altNames]
}

/** The values of a claim as texts. The name may itself hold dots: the claim of that whole name goes first. */
function claimValues(claims: AuthInfo['claims'], name: string): string[] {
  if (claims === undefined) return []
  if (Object.hasOwn(claims, name)) return textsOf(claims[name])
  let value: unknown = claims
  for (const part of name.split('.')) {
    if (!isJsonObject(value) || !Object.hasOwn(value, part)) return []
    value = value[part]
  }
  return textsOf(value)
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value === 'number' || typeof value === 'boolean') return [String(value)]
  return Array.isArray(value)
    ? value.flatMap((each) => (Array.isArray(each) ? [] : textsOf(each)))
    : []
}
