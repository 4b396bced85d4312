import { EventEmitter } from 'node:events'
import { type Transformer, TransformStream } from 'node:stream/web'
import { messageProblems, type Origin } from './clients-schemas.ts'

export interface Message {
  jsonrpc?: unknown
  id?: string | number
  method?: string
  params?: Record<string, unknown>
  result?: Record<string, unknown>
  error?: { code: number; message: string; data?: unknown }
}

/** One HTTP request and what came back, apart from the messages. */
export interface Exchange {
  readonly httpMethod: string
  readonly requestHeaders: Headers
  readonly sent: Message | undefined
  status: number
  responseHeaders: Headers
  /** Breaks the connection off, as a failing network would. */
  readonly cut: () => void
  /** The response has been read to its end, or was broken off. */
  isOver: boolean
}

/**
 * What goes over the wire between a client and the server under test.
 *
 * Each message of the server is held against the official schemas when it comes.
 */
export class Wire {
  readonly sent: Message[] = []
  readonly received: Message[] = []
  readonly exchanges: Exchange[] = []
  /** What the server sent that it should not have. */
  readonly problems: string[] = []
  readonly #changed = new EventEmitter().setMaxListeners(0)
  readonly #requests = new Map<string | number, Origin>()
  readonly #seen = new WeakSet<object>()
  #revision: string | undefined
  readonly #serve: ((request: Request) => Promise<Response>) | undefined

  /** @param serve - answers requests in this process; default: the network */
  constructor(serve?: (request: Request) => Promise<Response>) {
    this.#serve = serve
  }

  /** A message of the client. */
  onSent(message: Message): void {
    if (this.#isKnown(message)) return
    this.sent.push(message)
    if (message.method !== undefined && message.id !== undefined) {
      const { method, params, id } = message
      const revision = revisionOf(message) ?? this.#revision
      this.#requests.set(id, { method, params, revision, isAnswered: false })
    }
    this.#changed.emit('change')
  }

  /** A message of the server. */
  onReceived(message: Message): void {
    if (this.#isKnown(message)) return
    this.received.push(message)
    const { result, id } = message
    const origin = id === undefined || 'method' in message ? undefined : this.#requests.get(id)
    if (origin?.method === 'initialize' && typeof result?.protocolVersion === 'string') {
      this.#revision = result.protocolVersion
      origin.revision = this.#revision
    }
    for (const problem of messageProblems(message, origin, {
      requests: this.#requests,
      revision: this.#revision,
    })) {
      this.problems.push(`${problem}: ${JSON.stringify(message).slice(0, 500)}`)
    }
    if (origin !== undefined) origin.isAnswered = true
    this.#changed.emit('change')
  }

  /** The methods of the requests that were answered, and of what the server sent by itself. */
  get methods(): Set<string> {
    const answered = [...this.#requests.values()].filter(({ isAnswered }) => isAnswered)
    const own = this.received.flatMap(({ method }) => method ?? [])
    return new Set([...answered.map(({ method }) => method), ...own])
  }

  /** Resolves with what `find` gives as soon as it gives something. */
  async until<Value>(find: () => Value | undefined | false): Promise<Value> {
    for (;;) {
      const found = find()
      if (found !== undefined && found !== false) return found
      await new Promise((resolve) => this.#changed.once('change', resolve))
    }
  }

  /** A `fetch` that looks on, for transports over HTTP. */
  readonly fetch = async (url: string | URL, init: RequestInit = {}): Promise<Response> => {
    const cutter = new AbortController()
    const sent = typeof init.body === 'string' ? (JSON.parse(init.body) as Message) : undefined
    const exchange: Exchange = {
      httpMethod: init.method ?? 'GET',
      requestHeaders: new Headers(init.headers),
      sent,
      status: 0,
      responseHeaders: new Headers(),
      cut: () => cutter.abort(new Error('The network is down')),
      isOver: false,
    }
    this.exchanges.push(exchange)
    if (sent !== undefined) this.onSent(sent)
    const signal = init.signal ? AbortSignal.any([init.signal, cutter.signal]) : cutter.signal
    const request = new Request(url, { ...init, signal })
    const response = await (this.#serve ?? fetch)(request)
    exchange.status = response.status
    exchange.responseHeaders = response.headers
    this.#changed.emit('change')
    const end = (): void => {
      exchange.isOver = true
      this.#changed.emit('change')
    }
    if (response.body === null) {
      end()
      return response
    }
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream')
    const body = response.body.pipeThrough(this.#spy(isStream === true, end))
    const { status, statusText, headers } = response
    const copy = new Response(body, { status, statusText, headers })
    return Object.defineProperty(copy, 'url', { value: response.url })
  }

  #spy(isStream: boolean, end: () => void): TransformStream<Uint8Array, Uint8Array> {
    const decoder = new TextDecoder()
    let text = ''
    const takeEvents = (): void => {
      for (;;) {
        const length = text.indexOf('\n\n')
        if (length < 0) return
        const event = text.slice(0, length)
        text = text.slice(length + 2)
        const data = event.split('\n').flatMap((line) => /^data: ?(.*)$/s.exec(line)?.[1] ?? [])
        if (data.join('') !== '') this.onReceived(JSON.parse(data.join('\n')))
      }
    }
    const spy: Transformer<Uint8Array, Uint8Array> & { cancel: () => void } = {
      transform: (chunk, controller) => {
        text += decoder.decode(chunk, { stream: true })
        if (isStream) takeEvents()
        controller.enqueue(chunk)
      },
      flush: () => {
        if (!isStream && text !== '') {
          for (const message of [JSON.parse(text)].flat()) this.onReceived(message)
        }
        end()
      },
      cancel: end,
    }
    return new TransformStream(spy)
  }

  /** Looks on at a transport of an official client that is not HTTP. */
  tap<Transport extends object>(transport: Transport): Transport {
    const tapped = transport as {
      send(message: Message, ...rest: unknown[]): Promise<void>
      onmessage?: ((message: Message, ...rest: unknown[]) => void) | undefined
    }
    const send = tapped.send.bind(transport)
    tapped.send = (message, ...rest) => {
      this.onSent(message)
      return send(message, ...rest)
    }
    let listener: typeof tapped.onmessage
    Object.defineProperty(tapped, 'onmessage', {
      get: () =>
        listener &&
        ((message: Message, ...rest: unknown[]) => {
          this.onReceived(message)
          listener?.(message, ...rest)
        }),
      set: (value: typeof listener) => {
        listener = value
      },
    })
    return transport
  }

  #isKnown(message: object): boolean {
    if (this.#seen.has(message)) return true
    this.#seen.add(message)
    return false
  }
}

function revisionOf({ params }: Message): string | undefined {
  const meta = params?._meta as Record<string, unknown> | undefined
  const revision = meta?.['io.modelcontextprotocol/protocolVersion']
  return typeof revision === 'string' ? revision : undefined
}
