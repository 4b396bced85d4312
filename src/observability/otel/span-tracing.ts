import {
  type Attributes,
  type Context,
  type ContextManager,
  INVALID_SPAN_CONTEXT,
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
import type { RootSampling } from './root-sampling.ts'

export interface SpanTracingParts {
  readonly tracer: Tracer
  readonly contexts: ContextManager
  readonly propagator: TextMapPropagator
  /** Decides early on what belongs to no trace yet; undefined where all of that is sampled. */
  readonly roots: RootSampling | undefined
  /** Sends what is left, and stops. */
  close(): Promise<void>
}

/** Options of most spans. */
const serverSpan = { kind: SpanKind.SERVER }
const noLinks: Link[] = []

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
  readonly #roots: RootSampling | undefined
  readonly #close: () => Promise<void>

  constructor({ tracer, contexts, propagator, roots, close }: SpanTracingParts) {
    this.#roots = roots
    this.#tracer = tracer
    this.#contexts = contexts
    this.#propagator = propagator
    this.#close = close
  }

  /** @returns what is kept of the request while it runs: the context that its span is in */
  start(request: ObservedRequest, target: Target): Context {
    const parent = this.#parentOf(request)
    if (parent === ROOT_CONTEXT && this.#roots !== undefined) {
      const unsampled = this.#roots.unsampled()
      if (unsampled !== undefined) return trace.setSpan(parent, unsampled)
    }
    const links = parent === ROOT_CONTEXT ? noLinks : this.#linksOf(request)
    const options = links.length === 0 ? serverSpan : { ...serverSpan, links }
    const span = this.#tracer.startSpan(target.label, options, parent)
    // Most spans are not sampled, and no sampler of the standard variables looks at attributes.
    if (span.isRecording()) span.setAttributes(startAttributes(request, target))
    return trace.setSpan(parent, span)
  }

  around<Value>(observation: unknown, work: () => Value): Value {
    return this.#contexts.with(observation as Context, work)
  }

  end(
    observation: unknown,
    request: ObservedRequest,
    target: Target,
    { errorType, statusCode }: Ending,
  ): void {
    const span = spanOf(observation)
    if (span.isRecording()) {
      // A name that was not known when the request came is, once it has worked.
      span.updateName(target.label)
      span.setAttributes(endAttributes(request, target, statusCode))
      if (errorType !== undefined) {
        span.setAttribute('error.type', errorType)
        span.setStatus({ code: SpanStatusCode.ERROR })
      }
    }
    span.end()
  }

  isSampled(observation: unknown): boolean {
    const span = spanOf(observation)
    // What does not record need not be asked for its ids, which may have to be made.
    return span.isRecording() && (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0
  }

  idsOf(observation: unknown): TraceIds {
    const { traceId, spanId } = spanOf(observation).spanContext()
    return { traceId, spanId }
  }

  close(): Promise<void> {
    return this.#close().catch(() => {})
  }

  /**
   * The context of `_meta` is the parent (2026-07-28, basic/index#meta). Where there is none it is that of HTTP, which may
   * belong to a proxy, or to a connection that many share.
   */
  #parentOf({ params, getHeader }: ObservedRequest): Context {
    const meta = params?._meta
    if (isJsonObject(meta) && typeof meta.traceparent === 'string') {
      const context = this.#propagator.extract(ROOT_CONTEXT, meta, metaGetter)
      if (trace.getSpanContext(context) !== undefined) return context
    }
    if (getHeader?.('traceparent') === undefined) return ROOT_CONTEXT
    return this.#propagator.extract(ROOT_CONTEXT, getHeader, headerGetter)
  }

  /** The context of HTTP, where it is another than that of `_meta`, which is the parent. */
  #linksOf({ params, getHeader }: ObservedRequest): Link[] {
    const meta = params?._meta
    const text = getHeader?.('traceparent')
    if (text === undefined || getHeader === undefined) return noLinks
    if (!isJsonObject(meta) || typeof meta.traceparent !== 'string') return noLinks
    const context = trace.getSpanContext(
      this.#propagator.extract(ROOT_CONTEXT, getHeader, headerGetter),
    )
    return context === undefined || text === meta.traceparent ? noLinks : [{ context }]
  }
}

function spanOf(observation: unknown): Span {
  return trace.getSpan(observation as Context) ?? trace.wrapSpanContext(INVALID_SPAN_CONTEXT)
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
