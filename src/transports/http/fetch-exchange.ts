import {
  type HttpExchange,
  type HttpHeaders,
  type HttpStream,
  maxWaitingBytes,
} from './exchange.ts'

/** An exchange in the shape of the Fetch standard, for servers that speak it. */
export class FetchExchange implements HttpExchange {
  readonly #request: Request
  readonly #respond: (response: Response) => void
  readonly #listeners: (() => void)[] = []
  #hasGone: boolean
  #added: HttpHeaders = []
  /** Settles when the exchange has a response. */
  readonly response: Promise<Response>
  readonly remoteAddress = undefined
  readonly certificate = undefined

  constructor(request: Request) {
    this.#request = request
    const { promise, resolve } = Promise.withResolvers<Response>()
    this.response = promise
    this.#respond = resolve
    this.#hasGone = request.signal.aborted
    request.signal.addEventListener('abort', () => this.#disconnected(), { once: true })
  }

  get method(): string {
    return this.#request.method
  }
  get target(): string {
    const { pathname, search } = new URL(this.#request.url)
    return pathname + search
  }
  get getHeader(): HttpExchange['getHeader'] {
    const { headers, url } = this.#request
    return (name) =>
      headers.get(name) ?? (name === 'host' ? (new URL(url).host as string) : undefined)
  }

  eachHeader(visit: (name: string, value: string) => void): void {
    this.#request.headers.forEach((value, name) => {
      visit(name, value)
    })
  }

  readBody(maxBytes: number, done: (body: Uint8Array | undefined) => void): void {
    readAll(this.#request.body, maxBytes).then(done, () => this.#disconnected())
  }

  addHeaders(headers: HttpHeaders): void {
    this.#added = [...this.#added, ...headers]
  }

  respond(status: number, headers: HttpHeaders, body?: string | Uint8Array): void {
    const init = { status, headers: headerPairs([...headers, ...this.#added]) }
    this.#respond(new Response((body ?? null) as ConstructorParameters<typeof Response>[0], init))
  }

  openStream(headers: HttpHeaders): HttpStream {
    const encoder = new TextEncoder()
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined
    const body = new ReadableStream<Uint8Array>(
      {
        start: (started) => {
          controller = started
        },
        cancel: () => {
          controller = undefined
          this.#disconnected()
        },
      },
      { highWaterMark: maxWaitingBytes, size: (chunk) => chunk?.byteLength ?? 0 },
    )
    this.#respond(new Response(body, { headers: headerPairs([...headers, ...this.#added]) }))
    return {
      write: (text) => {
        if (controller === undefined) return
        // What counts is what is still waiting from before: one message may be as long as it is.
        if ((controller.desiredSize ?? 0) > 0) {
          controller.enqueue(encoder.encode(text))
          return
        }
        controller.error(new Error('The client reads too slowly'))
        controller = undefined
        this.#disconnected()
      },
      close: () => {
        controller?.close()
        controller = undefined
      },
    }
  }

  onDisconnect(listener: () => void): void {
    if (this.#hasGone) queueMicrotask(listener)
    else this.#listeners.push(listener)
  }

  #disconnected(): void {
    this.#hasGone = true
    for (const listener of this.#listeners.splice(0)) listener()
  }
}

async function readAll(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  if (body === null) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.byteLength
    if (length > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

/** Headers as the Fetch standard takes them. */
export function headerPairs(headers: HttpHeaders): [string, string][] {
  const result: [string, string][] = []
  for (let index = 0; index + 1 < headers.length; index += 2) {
    result.push([headers[index] as string, headers[index + 1] as string])
  }
  return result
}
