import { type Message, type Reply, readMessage } from './reply.ts'

/** The server under load, and how to speak to it. */
export interface Peer {
  port: number
  revision: string
  hasSessions: boolean
  /** What it asks its clients for. */
  token?: string | undefined
}

export interface Session {
  id: string | undefined
  /** The revision that the server chose. */
  revision: string
}

/** Makes the bytes of one request from its id. */
export type Template = (id: number) => string

/** Says what is wrong with a reply, or nothing. */
export type Check = (reply: Reply, id: number) => string | undefined

const clientInfo = { name: 'bench', version: '1.0.0' }
const firstId = 100_000_000
// As many digits as every id, so that the content-length of a template does not change.
const placeholder = 999_999_999
let lastId = firstId

export const nextId = (): number => ++lastId

function post(peer: Peer, headers: Record<string, string>, body: object): string {
  const json = JSON.stringify(body)
  const lines = Object.entries({
    host: `127.0.0.1:${peer.port}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(peer.token === undefined ? {} : { authorization: `Bearer ${peer.token}` }),
    ...headers,
    'content-length': json.length,
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `POST /mcp HTTP/1.1\r\n${lines.join('')}\r\n${json}`
}

export function sessionHeaders(session: Session): Record<string, string> {
  return {
    'mcp-protocol-version': session.revision,
    ...(session.id === undefined ? {} : { 'mcp-session-id': session.id }),
  }
}

export const initializeMessage = (revision: string, id: number) => ({
  jsonrpc: '2.0',
  id,
  method: 'initialize',
  params: { protocolVersion: revision, capabilities: {}, clientInfo },
})

export const initializedMessage = { jsonrpc: '2.0', method: 'notifications/initialized' }

export const initializeRequest = (peer: Peer, id: number): string =>
  post(peer, {}, initializeMessage(peer.revision, id))

export const initializedRequest = (peer: Peer, session: Session): string =>
  post(peer, sessionHeaders(session), initializedMessage)

const templateOf = (text: string): Template => {
  const parts = text.split(String(placeholder))
  return (id) => parts.join(String(id))
}

export const callMessage = {
  jsonrpc: '2.0',
  id: placeholder,
  method: 'tools/call',
  params: { name: 'echo', arguments: { text: `message ${placeholder} of the bench` } },
}

const listMessage = { jsonrpc: '2.0', id: placeholder, method: 'tools/list', params: {} }

/** A call of the tool as one line, for stdio. */
export const callLine: Template = templateOf(`${JSON.stringify(callMessage)}\n`)

/** The bytes of a tools/call or a tools/list request in the revision of the peer. */
export function requestTemplate(peer: Peer, session: Session, method: 'call' | 'list'): Template {
  const message = method === 'call' ? callMessage : listMessage
  if (peer.revision !== '2026-07-28') {
    return templateOf(post(peer, sessionHeaders(session), message))
  }
  const headers = {
    ...sessionHeaders(session),
    'mcp-method': message.method,
    ...(method === 'call' ? { 'mcp-name': 'echo' } : {}),
  }
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': peer.revision,
    'io.modelcontextprotocol/clientInfo': clientInfo,
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  return templateOf(post(peer, headers, { ...message, params: { ...message.params, _meta } }))
}

/** What is wrong with the answer to a call of the tool. */
export function callFault(message: Message, id: number): string | undefined {
  if (message.error) return `error ${message.error.code}: ${message.error.message}`
  if (message.id !== id) return `answered ${message.id} instead of ${id}`
  if (!message.result || message.result.isError) return 'the tool failed'
  const text = message.result.content?.[0]?.text
  return text === `message ${id} of the bench` ? undefined : `wrong text: ${text}`
}

export const checkCall: Check = (reply, id) =>
  reply.status === 200 ? callFault(readMessage(reply), id) : `status ${reply.status}`

/**
 * Checks a list fully once, then only its id and its length: parsing 500 tools again and again
 * would measure the generator. Ids have one length, so equal lists have equal lengths.
 */
export function listCheck(toolCount: number): Check {
  let goodLength = -1
  return (reply, id) => {
    if (reply.status !== 200) return `status ${reply.status}`
    if (reply.body.length === goodLength) {
      const ends = reply.body.slice(0, 80) + reply.body.slice(-80)
      return ends.includes(`"id":${id}`) ? undefined : 'a list with another id'
    }
    const message = readMessage(reply)
    if (message.error) return `error ${message.error.code}: ${message.error.message}`
    if (message.id !== id) return `answered ${message.id} instead of ${id}`
    const count = message.result?.tools?.length
    if (count !== toolCount) return `${count} tools instead of ${toolCount}`
    goodLength = reply.body.length
    return undefined
  }
}
