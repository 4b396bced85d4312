/** One or several. */
export type OneOrMore = string | readonly string[]

/** What a role allows or denies, by patterns in which `*` stands for any run of characters. */
export interface Permission {
  methods?: OneOrMore
  tools?: OneOrMore
  resources?: OneOrMore
  prompts?: OneOrMore
}
export interface RoleDocument {
  description?: string
  allow?: Permission
  deny?: Permission
}
/** Whom a grant is for: all members must hold, of the values of one member one is enough. */
export interface Grantee {
  everyone?: true
  anonymous?: true
  authenticated?: true
  subjects?: OneOrMore
  issuers?: OneOrMore
  scopes?: OneOrMore
  keys?: OneOrMore
  certificates?: OneOrMore
  claims?: Readonly<Record<string, OneOrMore>>
}
export interface GrantDocument {
  roles: OneOrMore
  to: Grantee
}

/** Whose calls are counted together, and which calls. */
export interface LimitScope {
  per: 'identity' | 'address' | 'tool' | 'server'
  /** Only calls of these tools. Default: all requests. */
  tools?: OneOrMore
  /** Only callers with one of these roles. Default: all. */
  roles?: OneOrMore
}
export interface RateDocument extends LimitScope {
  /** For instance `100/second`. */
  rate: string
  /** How many may come at once. Default: a tenth of the rate, at least 1. */
  burst?: number
}
export interface ConcurrencyDocument extends LimitScope {
  max: number
}
export interface QuotaDocument extends LimitScope {
  max: number
  period: 'day' | 'month'
}
export interface LimitsDocument {
  rates?: readonly RateDocument[]
  concurrency?: readonly ConcurrencyDocument[]
  quotas?: readonly QuotaDocument[]
}

/** The content of a policy file. */
export interface PolicyDocument {
  $schema?: string
  version: 1
  roles?: Readonly<Record<string, RoleDocument>>
  grants?: readonly GrantDocument[]
  limits?: LimitsDocument
}

/** Where in its file something stands, for messages: `policy.yaml:12`. */
export type PlaceOf = (path: readonly (string | number)[]) => string

export function listOf(value: OneOrMore | undefined): readonly string[] {
  if (value === undefined) return []
  return typeof value === 'string' ? [value] : value
}
