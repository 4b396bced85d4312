import type { McpError } from '../../protocol/errors.ts'
import type { AuthInfo, RequestId } from '../../protocol/types.ts'
import type { ObservedNotification, ObservedRequest } from '../../server/observer.ts'
import type { Sender } from '../../server/request-guard.ts'
import type { Session } from '../../sessions/session.ts'
import type { Ending, Target } from '../operation.ts'
import { claimedTrace, type TraceIds } from '../trace-context.ts'
import type { Fields, Level, Log } from './log.ts'

/** Records of requests: each at `debug`, and at `info` and above what somebody should know of. */
export class RequestLog {
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  /** Whether there is a record of a request that ends so. */
  wants(error: McpError | undefined): boolean {
    return this.#log.writes(levelOf(error))
  }

  ended(
    request: ObservedRequest,
    target: Target,
    { errorType }: Ending,
    error: McpError | undefined,
    seconds: number,
    trace: TraceIds | undefined,
  ): void {
    const level = levelOf(error)
    const isCancelled = error?.code === 'REQUEST_CANCELLED'
    const what = [target.method, target.toolName ?? target.promptName].filter(Boolean).join(' ')
    const outcome = isCancelled ? 'cancelled' : (error?.message ?? errorType ?? 'ok')
    this.#log.write(level, `${what}: ${outcome}`, {
      event: isCancelled ? 'request-cancelled' : 'request',
      method: target.method,
      name: target.toolName ?? target.promptName,
      ...correlation(request, trace),
      // 2026-07-28, basic/patterns/cancellation: reasons are logged.
      ...(isCancelled && { reason: error.message }),
      ...(error !== undefined && !isCancelled && { code: error.code }),
      errorType,
      durationMs: Math.round(seconds * 1e6) / 1000,
      revision: request.revision,
    })
  }

  notified({ method, session, authInfo }: ObservedNotification): void {
    if (!this.#log.writes('debug')) return
    this.#log.write('debug', method, {
      event: 'notification',
      method,
      session: beginningOf(session?.id),
      identity: authInfo?.subject,
    })
  }

  refused({ remoteAddress, authInfo }: Sender, error: McpError): void {
    const level = error.httpStatus() >= 500 ? 'warn' : 'debug'
    if (!this.#log.writes(level)) return
    this.#log.write(level, `refused: ${error.message}`, {
      event: 'refused',
      code: error.code,
      remoteAddress,
      identity: authInfo?.subject,
    })
  }

  sessionOpened({ id, revision, clientInfo, authInfo }: Session): void {
    if (!this.#log.writes('debug')) return
    this.#log.write('debug', 'session opened', {
      event: 'session-opened',
      session: beginningOf(id),
      revision: revision.name,
      client: clientInfo?.name,
      identity: authInfo?.subject,
    })
  }

  sessionEnded({ id, authInfo }: Session, reason: string): void {
    if (!this.#log.writes('debug')) return
    this.#log.write('debug', 'session ended', {
      event: 'session-ended',
      session: beginningOf(id),
      identity: authInfo?.subject,
      reason,
    })
  }

  /** What a handler threw, of which its client sees only "Internal error". */
  failed(error: unknown, request: { readonly method: string } | undefined): void {
    const where = request === undefined ? '' : `${request.method}: `
    const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    const related = isWhole(request) ? correlation(request, undefined) : {}
    this.#log.write('error', `tsmcp: ${where}${what}`.replace(/\s+/g, ' '), {
      event: 'failure',
      method: request?.method,
      ...related,
      ...(error instanceof Error && error.stack !== undefined && { stack: error.stack }),
    })
  }
}

/** What ties records together: the trace, and whose request of which session it was. */
function correlation(
  request: Pick<
    ObservedRequest,
    'requestId' | 'sessionId' | 'authInfo' | 'remoteAddress' | 'params' | 'getHeader'
  >,
  trace: TraceIds | undefined,
): Fields {
  const { traceId, spanId } = trace ?? claimedTrace(request) ?? {}
  return {
    request: requestName(request.requestId),
    session: beginningOf(request.sessionId),
    identity: subjectOf(request.authInfo),
    remoteAddress: request.remoteAddress,
    trace: traceId,
    span: spanId,
  }
}

function isWhole(
  request: { readonly method: string } | undefined,
): request is { readonly method: string } & ObservedRequest {
  return request !== undefined && 'requestId' in request && 'getHeader' in request
}

/** Ids come from clients and may be as long as they like. */
function requestName(id: RequestId): string {
  return String(id).slice(0, 64)
}

function subjectOf(authInfo: AuthInfo | undefined): string | undefined {
  return authInfo?.subject
}

/** The id of a session is a secret. */
function beginningOf(sessionId: string | undefined): string | undefined {
  return sessionId === undefined ? undefined : `${sessionId.slice(0, 6)}…`
}

/** What is the caller's own doing is not worth a line by default; what is ours, or a cancellation, is. */
function levelOf(error: McpError | undefined): Level {
  if (error === undefined) return 'debug'
  switch (error.code) {
    case 'REQUEST_CANCELLED':
      return 'info'
    case 'HANDLER_TIMEOUT':
    case 'OVERLOADED':
    case 'STORAGE_UNAVAILABLE':
    case 'AUDIT_UNAVAILABLE':
      return 'warn'
    default:
      return 'debug'
  }
}
