import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { after, TestContext } from 'node:test'

interface KeyValue {
  readonly key: string
  readonly value: {
    readonly stringValue?: string
    readonly intValue?: number | string
    readonly doubleValue?: number
    readonly boolValue?: boolean
  }
}
export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly attributes?: readonly KeyValue[]
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly status: { readonly code?: number }
}
export interface ReceivedMetric {
  readonly name: string
  readonly unit: string
  readonly histogram?: { readonly dataPoints: readonly ReceivedPoint[] }
  readonly sum?: { readonly isMonotonic?: boolean; readonly dataPoints: readonly ReceivedPoint[] }
  readonly gauge?: { readonly dataPoints: readonly ReceivedPoint[] }
}
export interface ReceivedPoint {
  readonly attributes?: readonly KeyValue[]
  readonly explicitBounds?: readonly number[]
  readonly count?: number | string
  readonly asDouble?: number
}
interface Received {
  readonly resourceSpans?: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] }
    readonly scopeSpans: readonly { readonly spans: readonly ReceivedSpan[] }[]
  }[]
  readonly resourceMetrics?: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] }
    readonly scopeMetrics: readonly { readonly metrics: readonly ReceivedMetric[] }[]
  }[]
}

/** A collector that takes OTLP over HTTP: JSON is read, protobuf is kept as it came. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = []
  /** The latest of each name. */
  readonly metrics = new Map<string, ReceivedMetric>()
  readonly resources: Record<string, unknown>[] = []
  /** What came as protobuf, by its path. */
  readonly binary: { readonly path: string; readonly body: Buffer }[] = []
  readonly url: string
  readonly #waiting = new Set<() => void>()

  private constructor(url: string) {
    this.url = url
  }

  static async start(
    t: Pick<TestContext, 'after'> | { after: typeof after },
  ): Promise<OtlpReceiver> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk) => chunks.push(chunk))
      request.on('end', () => {
        receiver.#take(request.url ?? '', request.headers['content-type'], Buffer.concat(chunks))
        response.writeHead(200, { 'content-type': request.headers['content-type'] ?? '' }).end()
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const receiver = new OtlpReceiver(`http://127.0.0.1:${port}`)
    t.after(() => {
      server.close()
      server.closeAllConnections()
    })
    return receiver
  }

  /** Waits until something holds of what has been received. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  #take(path: string, type: string | undefined, body: Buffer): void {
    if (type === 'application/json') this.#read(JSON.parse(body.toString()))
    else this.binary.push({ path, body })
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  #read({ resourceSpans = [], resourceMetrics = [] }: Received): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      this.resources.push(attributesOf(resource.attributes))
      for (const { spans } of scopeSpans) this.spans.push(...spans)
    }
    for (const { resource, scopeMetrics } of resourceMetrics) {
      this.resources.push(attributesOf(resource.attributes))
      for (const { metrics } of scopeMetrics) {
        for (const metric of metrics) this.metrics.set(metric.name, metric)
      }
    }
  }
}

/** Attributes of OTLP as an object. */
export function attributesOf(list: readonly KeyValue[] = []): Record<string, unknown> {
  return Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value)[0]]))
}
