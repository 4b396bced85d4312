import { insufficientScope, McpError, quoted } from '../protocol/errors.ts'
import { isJsonObject } from '../protocol/json-rpc.ts'
import type { AuthInfo } from '../protocol/types.ts'
import type { GuardedRequest, RequestGuard, Sender, Visibility } from '../server/request-guard.ts'
import { type AuditEvent, type AuditOutcome, shortText } from './audit/audit-event.ts'
import type { AuditRecorder } from './audit/audit-recorder.ts'
import type { Redactor } from './audit/redact.ts'
import { keyNameOf } from './keys/key-name.ts'
import { type Hold, Limits, releaseAll } from './limits/limits.ts'
import { type Access, openAccess } from './policy/access.ts'
import { listenedResources, objectOf, type TargetKind } from './policy/operation.ts'
import type { Authorizer } from './policy/role-policy.ts'

/** What the guard keeps of a request that runs. */
interface Watched {
  readonly atMs: number
  readonly startedMs: number
  readonly object: string | undefined
  readonly arguments: string | undefined
  hasPlace: boolean
  holds: Hold[] | undefined
  rule: string | undefined
}

/** Puts policy, limits and audit on the way of every request. Each may be missing, and be replaced while it works. */
export class SecurityGuard implements RequestGuard {
  authorizer: Authorizer | undefined = undefined
  limits = new Limits()
  readonly #audit: AuditRecorder | undefined
  readonly #redact: Redactor
  /** What `settled` has recorded last: the transport may tell of the same refusal once more. */
  #recorded: McpError | undefined = undefined

  constructor(audit: AuditRecorder | undefined, redact: Redactor) {
    this.#audit = audit
    this.#redact = redact
  }

  arrived(remoteAddress: string | undefined): void {
    this.limits.arrive(remoteAddress, Date.now())
  }

  check(request: GuardedRequest, isServed: boolean): void {
    const { method, params, authInfo } = request
    const nowMs = Date.now()
    const target = objectOf(method, params)
    const watched = this.#watch(request, target, nowMs)
    if (this.#audit !== undefined) {
      if (!this.#audit.reserve()) throw new McpError('AUDIT_UNAVAILABLE')
      watched.hasPlace = true
    }
    const access = this.authorizer?.accessOf(authInfo) ?? openAccess
    watched.holds = this.limits.take(
      {
        caller: authInfo,
        address: request.remoteAddress,
        tool: target?.kind === 'tool' ? target.name : undefined,
        roles: access.roles,
      },
      request.hasArrived,
      nowMs,
    )
    if (!isServed || access.isOpen) return
    const allow = (kind: TargetKind, name: string): void => {
      const decision = access.decide(kind, name)
      if (decision.allowed) return
      watched.rule = decision.rule
      throw this.#refusal(authInfo, kind, name)
    }
    allow('method', method)
    if (target !== undefined) allow(target.kind, target.name)
    if (method === 'subscriptions/listen') {
      for (const uri of listenedResources(params)) allow('resource', uri)
    }
  }

  /** The same whether there is such a thing or not; which rule it was, only the log is told. */
  #refusal(caller: AuthInfo | undefined, kind: TargetKind, name: string): McpError {
    // Who came with a token can come back with one that has more scopes.
    const scope =
      caller?.issuer === undefined
        ? undefined
        : this.authorizer?.scopeThatAllows?.(caller, kind, name)
    return scope === undefined
      ? new McpError('FORBIDDEN', `Forbidden: ${kind} ${quoted(name)}`)
      : insufficientScope([scope])
  }

  visibility(authInfo: AuthInfo | undefined): Visibility | undefined {
    const access = this.authorizer?.accessOf(authInfo)
    return access === undefined || access.isOpen ? undefined : new AccessVisibility(access)
  }

  settled(request: GuardedRequest, error: McpError | undefined, result: unknown): void {
    const watched = request.guardState as Watched | undefined
    request.guardState = undefined
    releaseAll(watched?.holds)
    const audit = this.#audit
    if (audit === undefined) return
    this.#recorded = error
    const event = eventOf(request, watched, error, result)
    if (watched?.hasPlace) audit.recordReserved(event)
    else audit.record(event)
  }

  refused({ remoteAddress, authInfo }: Sender, error: McpError): void {
    if (this.#audit === undefined || error === this.#recorded) return
    this.#audit.record({
      event: 'refused',
      atMs: Date.now(),
      ...identityOf(authInfo),
      address: remoteAddress,
      outcome: outcomeOf(error, undefined),
      code: error.code,
      details: { message: shortText(error.message) },
    })
  }

  sessionEnded(sessionId: string, authInfo: AuthInfo | undefined, reason: string): void {
    this.#audit?.record({
      event: 'session-ended',
      atMs: Date.now(),
      ...identityOf(authInfo),
      session: beginningOf(sessionId),
      details: { reason: shortText(reason) },
    })
  }

  #watch(
    request: GuardedRequest,
    target: { kind: TargetKind; name: string } | undefined,
    atMs: number,
  ): Watched {
    const isAudited = this.#audit !== undefined
    const given = target === undefined ? undefined : request.params?.arguments
    const watched: Watched = {
      atMs,
      startedMs: isAudited ? performance.now() : 0,
      object: isAudited && target ? `${target.kind}:${shortText(target.name)}` : undefined,
      // Now: a handler may change what it is given.
      arguments: isAudited && target ? this.#redact(target.name, given) : undefined,
      hasPlace: false,
      holds: undefined,
      rule: undefined,
    }
    request.guardState = watched
    return watched
  }
}

class AccessVisibility implements Visibility {
  readonly #access: Access

  constructor(access: Access) {
    this.#access = access
  }
  get key(): string {
    return this.#access.key
  }
  includes(kind: 'tool' | 'resource' | 'resourceTemplate' | 'prompt', name: string): boolean {
    return this.#access.decide(kind, name).allowed
  }
}

function eventOf(
  request: GuardedRequest,
  watched: Watched | undefined,
  error: McpError | undefined,
  result: unknown,
): AuditEvent {
  const { authInfo } = request
  return {
    event: 'request',
    atMs: watched?.atMs ?? Date.now(),
    ...identityOf(authInfo),
    address: request.remoteAddress,
    session: beginningOf(request.sessionId),
    revision: request.revision,
    method: shortText(request.method),
    object: watched?.object,
    arguments: watched?.arguments,
    outcome: outcomeOf(error, result),
    code: error?.code,
    rule: watched?.rule,
    durationMs: watched && Math.round((performance.now() - watched.startedMs) * 1000) / 1000,
    traceId: traceIdOf(request),
  }
}

function outcomeOf(error: McpError | undefined, result: unknown): AuditOutcome {
  if (error === undefined) {
    return isJsonObject(result) && result.isError === true ? 'tool-error' : 'ok'
  }
  switch (error.code) {
    case 'FORBIDDEN':
    case 'INSUFFICIENT_SCOPE':
    case 'UNAUTHORIZED':
      return 'denied'
    case 'RATE_LIMITED':
    case 'QUOTA_EXCEEDED':
    case 'TOO_MANY_IN_FLIGHT':
    case 'TOO_MANY_TASKS':
    case 'SESSION_LIMIT':
      return 'limited'
    case 'REQUEST_CANCELLED':
      return 'cancelled'
    default:
      return 'error'
  }
}

/** Who called, and by what that is known: a subject alone does not say which of those who have that name. */
function identityOf(
  authInfo: AuthInfo | undefined,
): Pick<AuditEvent, 'who' | 'issuer' | 'client' | 'key' | 'certificate'> {
  if (authInfo === undefined) return {}
  const { subject, issuer, clientId, certificate } = authInfo
  return {
    who: shortText(subject),
    issuer,
    client: clientId === undefined ? undefined : shortText(clientId),
    key: keyNameOf(authInfo),
    certificate: certificate === undefined ? undefined : shortText(certificate.subject),
  }
}

function beginningOf(sessionId: string | undefined): string | undefined {
  return sessionId === undefined ? undefined : `${sessionId.slice(0, 6)}…`
}

const traceparent = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/

/** The trace that the request belongs to (W3C Trace Context), from its `_meta` or its headers. */
function traceIdOf({ params, getHeader }: GuardedRequest): string | undefined {
  const meta = params?._meta
  const given = isJsonObject(meta) ? meta.traceparent : undefined
  const text = typeof given === 'string' ? given : getHeader?.('traceparent')
  return text === undefined ? undefined : traceparent.exec(text)?.[1]
}
