import type { Message } from './messages.ts'

/** One event of an event stream, or a comment. */
export interface SseEvent {
  id?: string
  event?: string
  retry?: number
  data?: string
  comment?: string
  /** The data as JSON, where there is any. */
  message?: Message
}

/** Reads server-sent events as they arrive. */
export class EventReader {
  readonly #events: SseEvent[] = []
  readonly #waiting: ((event: SseEvent | undefined) => void)[] = []
  #rest = ''
  #hasEnded = false

  push(text: string): void {
    const blocks = (this.#rest + text).split('\n\n')
    this.#rest = blocks.pop() ?? ''
    for (const block of blocks) this.#emit(parseEvent(block))
  }

  end(): void {
    this.#hasEnded = true
    for (const resolve of this.#waiting.splice(0)) resolve(undefined)
  }

  /** The next event, or undefined at the end of the stream. */
  next(): Promise<SseEvent | undefined> {
    const event = this.#events.shift()
    if (event !== undefined || this.#hasEnded) return Promise.resolve(event)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** The next event that is a message, past comments and empty events. */
  async nextMessage(): Promise<Message | undefined> {
    for (;;) {
      const event = await this.next()
      if (event === undefined || event.message !== undefined) return event?.message
    }
  }

  /** All messages until the stream ends. */
  async rest(): Promise<Message[]> {
    const messages: Message[] = []
    for (;;) {
      const message = await this.nextMessage()
      if (message === undefined) return messages
      messages.push(message)
    }
  }

  #emit(event: SseEvent): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#events.push(event)
    else waiting(event)
  }
}

/** All events of a text. */
export function parseEvents(text: string): SseEvent[] {
  return text
    .split('\n\n')
    .filter((block) => block !== '')
    .map(parseEvent)
}

function parseEvent(block: string): SseEvent {
  const event: SseEvent = {}
  for (const line of block.split('\n')) {
    const found = /^(id|event|retry|data|): ?(.*)$/.exec(line)
    if (found === null) throw new Error(`Not a line of an event stream: ${line}`)
    const [, field, value = ''] = found
    if (field === 'retry') event.retry = Number(value)
    else if (field === '') event.comment = value
    else event[field as 'id'] = value
  }
  // The stream of HTTP with SSE begins with a path.
  if (event.data !== undefined && /^[{[]/.test(event.data)) event.message = JSON.parse(event.data)
  return event
}
