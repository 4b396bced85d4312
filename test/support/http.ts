import { once } from 'node:events'
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { Engine, type EngineOptions } from '../../src/server/engine.ts'
import { HttpEndpoint, type HttpEndpointOptions } from '../../src/server/http-endpoint.ts'
import { HttpGate } from '../../src/server/http-gate.ts'
import type { LoadGauge } from '../../src/server/load-shedding.ts'
import { type Servable, service } from '../../src/server/service.ts'
import { serveDirectly } from '../../src/transports/http/direct/serve-directly.ts'
import { NodeExchange } from '../../src/transports/http/node-exchange.ts'
import { EventReader, parseEvents } from './event-reader.ts'
import { initialize, type Message, metaOf, notification, request } from './messages.ts'

export type Headers = Record<string, string | undefined>
export interface Sent {
  method?: string
  path?: string
  headers?: Headers
  body?: string | Uint8Array | object | undefined
}

/** A whole response. */
export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
  /** The JSON body, or the last message of an event stream. */
  message: Message
  /** All messages of the body. */
  messages: Message[]
}

/** A response whose body is still coming. */
export interface OpenAnswer {
  status: number
  headers: IncomingHttpHeaders
  events: EventReader
  /** Goes away before the response has ended. */
  abort(): void
}

/** Talks HTTP to a port, with the headers that a good client sends unless told otherwise. */
export class HttpClient {
  readonly port: number
  readonly #agent = new Agent({ keepAlive: true })

  constructor(t: TestContext, port: number) {
    this.port = port
    t.after(() => this.#agent.destroy())
  }

  /** Goes away, whatever is in progress. */
  disconnect(): void {
    this.#agent.destroy()
  }

  async send(sent: Sent): Promise<Answer> {
    const response = await this.#start(sent)
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk)
    return answerOf(response, Buffer.concat(chunks).toString())
  }

  async open(sent: Sent): Promise<OpenAnswer> {
    const response = await this.#start(sent)
    const events = new EventReader()
    response.setEncoding('utf8')
    response.on('data', (text: string) => events.push(text))
    response.on('error', () => events.end())
    response.on('close', () => events.end())
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      events,
      abort: () => response.destroy(),
    }
  }

  /** A request of 2026-07-28 with all that belongs to it. */
  stateless(method: string, params: object = {}, options: StatelessOptions = {}): Promise<Answer> {
    return this.send(statelessPost(method, params, options))
  }

  async #start({ method = 'POST', path = '/mcp', headers = {}, body }: Sent) {
    const all: Headers = {
      accept: 'application/json, text/event-stream',
      ...(method === 'POST' && { 'content-type': 'application/json' }),
      ...headers,
    }
    const given = Object.entries(all).filter(([, value]) => value !== undefined)
    const sending = httpRequest({
      host: '127.0.0.1',
      port: this.port,
      agent: this.#agent,
      method,
      path,
      headers: Object.fromEntries(given),
    })
    sending.end(
      body === undefined || typeof body === 'string' || body instanceof Uint8Array
        ? body
        : JSON.stringify(body),
    )
    const [response] = (await once(sending, 'response')) as [IncomingMessage]
    return response
  }
}

export interface StatelessOptions {
  id?: string | number
  capabilities?: object
  /** Further members of `_meta`. */
  meta?: object
  headers?: Headers
}

export function statelessPost(
  method: string,
  params: object = {},
  { id = 1, capabilities, meta, headers }: StatelessOptions = {},
) {
  const { name, uri } = params as { name?: string; uri?: string }
  const named = method === 'tools/call' || method === 'prompts/get' ? name : undefined
  const mirrored = method === 'resources/read' ? uri : named
  return {
    headers: {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(mirrored !== undefined && { 'mcp-name': mirrored }),
      ...headers,
    } as Headers,
    body: request(method, { ...params, _meta: metaOf(capabilities, meta) }, id),
  }
}

/** An endpoint on a port of its own, with its engine at hand; closed at the end of the test. */
export class TestEndpoint extends HttpClient {
  readonly engine: Engine

  constructor(t: TestContext, port: number, engine: Engine) {
    super(t, port)
    this.engine = engine
  }

  /** Opens a session by the handshake of a stateful revision. */
  async session(version = '2025-11-25', capabilities: object = {}, headers: Headers = {}) {
    const { status, headers: answered } = await this.send({
      headers,
      body: initialize(version, capabilities),
    })
    const id = answered['mcp-session-id']
    if (status !== 200 || typeof id !== 'string') throw new Error(`No session: ${status}`)
    const session = new HttpSession(this, id, version, headers)
    await session.send(notification('notifications/initialized'))
    return session
  }
}

/** A session of a stateful revision. */
export class HttpSession {
  readonly id: string
  readonly headers: Headers
  readonly #client: HttpClient
  #nextId = 1

  constructor(client: HttpClient, id: string, version: string, headers: Headers) {
    this.#client = client
    this.id = id
    this.headers = { ...headers, 'mcp-session-id': id, 'mcp-protocol-version': version }
  }

  /** Posts any message. */
  send(body: object | string, headers: Headers = {}): Promise<Answer> {
    return this.#client.send({ headers: { ...this.headers, ...headers }, body })
  }

  /** Posts a request and gives the response to it. */
  async call(method: string, params?: object): Promise<Message> {
    return (await this.send(request(method, params, this.#nextId++))).message
  }

  /** Posts a request whose response is a stream. */
  open(body: object): Promise<OpenAnswer> {
    return this.#client.open({ headers: this.headers, body })
  }

  /** GET: the stream of what belongs to no request, or the rest of a stream. */
  listen(lastEventId?: string): Promise<OpenAnswer> {
    return this.#client.open({
      method: 'GET',
      headers: { ...this.headers, accept: 'text/event-stream', 'last-event-id': lastEventId },
    })
  }

  end(): Promise<Answer> {
    return this.#client.send({ method: 'DELETE', headers: this.headers })
  }
}

export async function startEndpoint(
  t: TestContext,
  server: Servable,
  options: EngineOptions & HttpEndpointOptions = {},
  openGauge?: () => LoadGauge,
): Promise<TestEndpoint> {
  const engine = new Engine(server[service], options, undefined, openGauge)
  const gate = new HttpGate(options, (error) => engine.service.onError(error, undefined))
  const endpoint = new HttpEndpoint(engine, gate, options)
  const listener = createServer({ noDelay: true }, (incoming, response) =>
    endpoint.handle(new NodeExchange(incoming, response)),
  )
  const direct = serveDirectly(listener, {
    accepts: () => true,
    handle: (exchange) => endpoint.handle(exchange),
    keepAliveTimeoutMs: 65_000,
    requestTimeoutMs: 30_000,
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  t.after(async () => {
    await engine.close(0)
    listener.close()
    listener.closeAllConnections()
    direct.destroy()
  })
  return new TestEndpoint(t, (listener.address() as AddressInfo).port, engine)
}

function answerOf(response: IncomingMessage, text: string): Answer {
  const type = response.headers['content-type'] ?? ''
  let messages: Message[] = []
  if (type.startsWith('text/event-stream')) {
    messages = parseEvents(text).flatMap(({ message }) => message ?? [])
  } else if (text !== '') messages = [JSON.parse(text)]
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text,
    message: messages.at(-1) ?? {},
    messages,
  }
}
