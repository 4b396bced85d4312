/** One HTTP reply, read whole. */
export interface Reply {
  status: number
  head: string
  body: string
  isEventStream: boolean
}

/** What a JSON-RPC server answered, as far as the checks look into it. */
export interface Message {
  id?: number
  result?: {
    isError?: boolean
    protocolVersion?: string
    content?: { text?: string }[]
    tools?: unknown[]
  }
  error?: { code: number; message: string }
}

const headEnd = '\r\n\r\n'
const lastChunk = '0\r\n\r\n'

/**
 * Reads the replies of one connection that has one request in flight at a time. Text is latin1
 * throughout, one character a byte: the workloads send and expect nothing but ASCII.
 */
export class ReplyReader {
  #text = ''
  #bodyStart = -1
  /** Total length of the reply in bytes, or -1 for a chunked one. */
  #end = -1

  /** Takes what arrived; returns the reply once it is complete. */
  push(text: string): Reply | undefined {
    this.#text += text
    if (this.#bodyStart < 0 && !this.#readHead()) return undefined
    if (this.#end < 0) return this.#text.endsWith(lastChunk) ? this.#take(true) : undefined
    if (this.#text.length < this.#end) return undefined
    if (this.#text.length > this.#end) throw new Error('the server sent more than one reply')
    return this.#take(false)
  }

  #readHead(): boolean {
    const end = this.#text.indexOf(headEnd)
    if (end < 0) return false
    const head = this.#text.slice(0, end)
    this.#bodyStart = end + headEnd.length
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
    if (length !== undefined) this.#end = this.#bodyStart + Number(length)
    else if (/\r\ntransfer-encoding: *chunked/i.test(head)) this.#end = -1
    else if (head.startsWith('HTTP/1.1 204')) this.#end = this.#bodyStart
    else throw new Error(`a reply without length: ${head.slice(0, 40)}`)
    return true
  }

  #take(isChunked: boolean): Reply {
    const head = this.#text.slice(0, this.#bodyStart)
    const body = this.#text.slice(this.#bodyStart)
    this.#text = ''
    this.#bodyStart = -1
    return {
      status: Number(head.slice(9, 12)),
      head,
      body: isChunked ? joinChunks(body) : body,
      isEventStream: /\r\ncontent-type: *text\/event-stream/i.test(head),
    }
  }
}

function joinChunks(text: string): string {
  let body = ''
  let position = 0
  for (;;) {
    const lineEnd = text.indexOf('\r\n', position)
    const size = Number.parseInt(text.slice(position, lineEnd), 16)
    if (!(size > 0)) return body
    position = lineEnd + 2
    body += text.slice(position, position + size)
    position += size + 2
  }
}

/** The JSON-RPC response in a reply: its body, or the one event of its stream that has an id. */
export function readMessage(reply: Reply): Message {
  if (!reply.isEventStream) return JSON.parse(reply.body)
  for (const line of reply.body.split('\n')) {
    if (!line.startsWith('data:') || line.length < 8) continue
    const message: Message = JSON.parse(line.slice(5))
    if (message.id !== undefined) return message
  }
  throw new Error('an event stream without the response')
}
