import {
  type Attributes,
  type Context,
  type ContextManager,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  type TextMapPropagator,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { isJsonObject } from '../../protocol/json-rpc.ts'
import type { JsonObject } from '../../protocol/types.ts'
import type { ObservedRequest } from '../../server/observer.ts'
import type { Ending, Target } from '../operation.ts'
import type { TraceIds } from '../trace-context.ts'
import type { Tracing } from '../tracing.ts'

export interface SpanTracingParts {
  readonly tracer: Tracer
  readonly contexts: ContextManager
  readonly propagator: TextMapPropagator
  /** Sends what is left, and stops. */
  close(): Promise<void>
}

/** What is kept of a request while it runs. */
interface Observation {
  readonly span: Span
  readonly context: Context
}

/** Requests that name a resource; its URI is an attribute, and never in the name of a span. */
const resourceMethods: ReadonlySet<string> = new Set([
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
])

const metaGetter: TextMapGetter<JsonObject> = {
  keys: (meta) => Object.keys(meta),
  get: (meta, key) => {
    const value = meta[key]
    return typeof value === 'string' ? value : undefined
  },
}
const headerGetter: TextMapGetter<(name: string) => string | undefined> = {
  keys: () => [],
  get: (getHeader, key) => getHeader(key),
}

/** Spans of requests with the semantic conventions for MCP. */
export class SpanTracing implements Tracing {
  readonly #tracer: Tracer
  readonly #contexts: ContextManager
  readonly #propagator: TextMapPropagator
  readonly #close: () => Promise<void>

  constructor({ tracer, contexts, propagator, close }: SpanTracingParts) {
    this.#tracer = tracer
    this.#contexts = contexts
    this.#propagator = propagator
    this.#close = close
  }

  start(request: ObservedRequest, target: Target): Observation {
    const { parent, links } = this.#origin(request)
    const name = target.toolName ?? target.promptName
    const span = this.#tracer.startSpan(
      name === undefined ? target.method : `${target.method} ${name}`,
      { kind: SpanKind.SERVER, links },
      parent,
    )
    // Most spans are not sampled, and no sampler of the standard variables looks at attributes.
    if (span.isRecording()) span.setAttributes(startAttributes(request, target))
    return { span, context: trace.setSpan(parent, span) }
  }

  around<Value>(observation: unknown, work: () => Value): Value {
    return this.#contexts.with((observation as Observation).context, work)
  }

  end(
    observation: unknown,
    request: ObservedRequest,
    target: Target,
    { errorType, statusCode }: Ending,
  ): void {
    const { span } = observation as Observation
    if (span.isRecording()) {
      // A name that was not known when the request came is, once it has worked.
      const name = target.toolName ?? target.promptName
      if (name !== undefined) span.updateName(`${target.method} ${name}`)
      span.setAttributes(endAttributes(request, target, statusCode))
      if (errorType !== undefined) {
        span.setAttribute('error.type', errorType)
        span.setStatus({ code: SpanStatusCode.ERROR })
      }
    }
    span.end()
  }

  idsOf(observation: unknown): TraceIds & { isSampled: boolean } {
    const { traceId, spanId, traceFlags } = (observation as Observation).span.spanContext()
    return { traceId, spanId, isSampled: (traceFlags & TraceFlags.SAMPLED) !== 0 }
  }

  close(): Promise<void> {
    return this.#close().catch(() => {})
  }

  /**
   * The context of `_meta` is the parent (2026-07-28, basic/index#meta), and that of HTTP, which may belong to a proxy or to
   * a connection that many share, a link; without one in `_meta` it is the parent.
   */
  #origin({ params, getHeader }: ObservedRequest): { parent: Context; links: Link[] } {
    const meta = params?._meta
    let parent: Context | undefined
    if (isJsonObject(meta) && typeof meta.traceparent === 'string') {
      parent = this.#propagator.extract(ROOT_CONTEXT, meta, metaGetter)
    }
    const ofMeta = parent && trace.getSpanContext(parent)
    if (getHeader?.('traceparent') === undefined)
      return { parent: parent ?? ROOT_CONTEXT, links: [] }
    const ofHeaders = this.#propagator.extract(ROOT_CONTEXT, getHeader, headerGetter)
    if (parent === undefined || ofMeta === undefined) return { parent: ofHeaders, links: [] }
    const link = trace.getSpanContext(ofHeaders)
    const isSame = link === undefined || link.spanId === ofMeta.spanId
    return { parent, links: isSame ? [] : [{ context: link }] }
  }
}

function startAttributes(request: ObservedRequest, { method }: Target): Attributes {
  const { network, requestId, sessionId, revision, remoteAddress, params } = request
  const attributes: Attributes = {
    'mcp.method.name': method,
    'jsonrpc.request.id': String(requestId),
  }
  if (revision !== '') attributes['mcp.protocol.version'] = revision
  if (sessionId !== undefined) attributes['mcp.session.id'] = sessionName(sessionId)
  if (method === 'tools/call') attributes['gen_ai.operation.name'] = 'execute_tool'
  if (network.transport !== undefined) attributes['network.transport'] = network.transport
  if (network.protocol !== undefined) attributes['network.protocol.name'] = network.protocol
  if (network.version !== undefined) attributes['network.protocol.version'] = network.version
  if (remoteAddress !== undefined) attributes['client.address'] = remoteAddress
  const uri = resourceMethods.has(method) ? params?.uri : undefined
  if (typeof uri === 'string') attributes['mcp.resource.uri'] = uri
  return attributes
}

function endAttributes(
  { revision, sessionId }: ObservedRequest,
  { toolName, promptName }: Target,
  statusCode: string | undefined,
): Attributes {
  const attributes: Attributes = {}
  if (toolName !== undefined) attributes['gen_ai.tool.name'] = toolName
  if (promptName !== undefined) attributes['gen_ai.prompt.name'] = promptName
  if (statusCode !== undefined) attributes['rpc.response.status_code'] = statusCode
  // `initialize` knows them only when it has been answered.
  if (revision !== '') attributes['mcp.protocol.version'] = revision
  if (sessionId !== undefined) attributes['mcp.session.id'] = sessionName(sessionId)
  return attributes
}

/**
 * The convention has the id of the session, which lets whoever reads it act in the session. So it is the beginning of it,
 * enough to tell sessions apart.
 */
function sessionName(sessionId: string): string {
  return `${sessionId.slice(0, 6)}…`
}
