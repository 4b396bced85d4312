/** How a request ended. */
export type AuditOutcome =
  /** It has its result. */
  | 'ok'
  /** A tool reported a failure in its result. */
  | 'tool-error'
  /** It was answered with an error. */
  | 'error'
  /** The policy does not allow it, or the caller is not known. */
  | 'denied'
  /** A rate, a quota or a limit of what may go on at a time. */
  | 'limited'
  /** The client or its connection went away. */
  | 'cancelled'

/** What one record of the log says; times are milliseconds since 1970 until it is written. */
export interface AuditEvent {
  readonly event: string
  readonly atMs: number
  /** The principal; absent where there are no credentials. */
  readonly who?: string | undefined
  /** Who vouches for it: the issuer of its token. Two issuers may both have an `alice`. */
  readonly issuer?: string | undefined
  /** The program that acts for it. */
  readonly client?: string | undefined
  /** The name of the API key that was used. */
  readonly key?: string | undefined
  /** The subject of the client certificate that was shown. */
  readonly certificate?: string | undefined
  readonly address?: string | undefined
  /** The beginning of the session's id: enough to tell sessions apart, too little to take one over. */
  readonly session?: string | undefined
  readonly revision?: string | undefined
  readonly method?: string | undefined
  /** Kind and name of what it was done to, for instance `tool:weather.forecast`. */
  readonly object?: string | undefined
  /** JSON text, redacted. */
  readonly arguments?: string | undefined
  readonly outcome?: AuditOutcome | undefined
  /** The name of the error. */
  readonly code?: string | undefined
  /** The rule that denied it. */
  readonly rule?: string | undefined
  readonly durationMs?: number | undefined
  readonly traceId?: string | undefined
  /** What events other than requests have to say. */
  readonly details?: Readonly<Record<string, unknown>> | undefined
}

/** A record as it stands in a file. */
export interface AuditRecord {
  readonly seq: number
  readonly time: string
  readonly event: string
  readonly prev: string
  readonly hash: string
  readonly [member: string]: unknown
}

const maxTextLength = 500

/** A text of a peer's, short enough for a record. Its control characters are escaped when it is written. */
export function shortText(text: string): string {
  return text.length > maxTextLength ? `${text.slice(0, maxTextLength)}…` : text
}
