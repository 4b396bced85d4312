import type { HttpExchange, HttpHeaders, HttpStream } from './exchange.ts'

/** Server-sent events (WHATWG HTML, 9.2) as the body of a response. */

const streamHeaders: HttpHeaders = [
  'content-type',
  'text/event-stream',
  'cache-control',
  'no-cache, no-transform',
  // nginx and others would hold events back to fill a buffer.
  'x-accel-buffering',
  'no',
]

/** Writes messages as events. JSON text has no raw newline, so one event is one `data` line; any other text has several. */
export class SseBody {
  readonly #stream: HttpStream

  /** @param headers - further headers of the response */
  constructor(exchange: HttpExchange, headers: HttpHeaders) {
    this.#stream = exchange.openStream([...streamHeaders, ...headers])
  }

  /** @param id - must not hold a newline */
  event(data: string, id?: string, retryMs?: number): void {
    this.#stream.write(encodeEvent(data, id, retryMs))
  }

  /** Several messages in one piece. */
  events(events: readonly { data: string; id: string }[]): void {
    if (events.length > 0) {
      this.#stream.write(events.map(({ data, id }) => encodeEvent(data, id)).join(''))
    }
  }

  /** An event of another kind than a message. */
  named(name: string, data: string): void {
    this.#stream.write(`event: ${name}\ndata: ${onLines(data)}\n\n`)
  }

  /** Keeps proxies from taking the stream for dead. Clients ignore comments. */
  comment(): void {
    this.#stream.write(': keep-alive\n\n')
  }

  close(): void {
    this.#stream.close()
  }
}

function encodeEvent(data: string, id?: string, retryMs?: number): string {
  let event = data === '' ? '' : 'event: message\n'
  if (id !== undefined) event += `id: ${id}\n`
  if (retryMs !== undefined) event += `retry: ${retryMs}\n`
  return `${event}data: ${onLines(data)}\n\n`
}

/** Text with a newline in it must not be able to end an event and begin another. */
function onLines(data: string): string {
  if (!data.includes('\n') && !data.includes('\r')) return data
  return data.replace(/\r\n|\r|\n/g, '\ndata: ')
}
