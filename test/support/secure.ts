import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Agent, type AgentOptions, request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import type { Authority, Issued } from './authority.ts'
import { temporaryFolder } from './folder.ts'
import { type Headers, statelessPost } from './http.ts'
import type { Message } from './messages.ts'

export interface SecureAnswer {
  status: number
  headers: IncomingHttpHeaders
  message: Message
}

/** Talks HTTPS to a port, on one connection. */
export class SecureClient {
  readonly #port: number
  readonly #agent: Agent

  constructor(t: TestContext, port: number, tls: AgentOptions) {
    this.#port = port
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1, servername: 'localhost', ...tls })
    t.after(() => this.#agent.destroy())
  }

  async stateless(
    method: string,
    params: object = {},
    headers: Headers = {},
  ): Promise<SecureAnswer> {
    const post = statelessPost(method, params)
    const sending = httpsRequest({
      host: '127.0.0.1',
      port: this.#port,
      agent: this.#agent,
      method: 'POST',
      path: '/mcp',
      headers: {
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        ...(post.headers as Record<string, string>),
        ...(headers as Record<string, string>),
      },
    })
    sending.end(JSON.stringify(post.body))
    const [response] = (await once(sending, 'response')) as [IncomingMessage]
    let text = ''
    for await (const chunk of response) text += chunk
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      message: text === '' ? {} : JSON.parse(text),
    }
  }
}

/** Options of a client that trusts an authority and shows a certificate of it. */
export function trusting(authority: Authority, certificate?: Issued): AgentOptions {
  return {
    ca: authority.ca,
    ...(certificate && { cert: certificate.cert, key: certificate.key }),
  }
}

/** A raw TLS connection that has been made, or the error that ended it. */
export async function tlsConnection(
  t: TestContext,
  port: number,
  options: ConnectionOptions,
): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ...options })
  t.after(() => socket.destroy())
  await once(socket, 'secureConnect')
  return socket
}

/** A folder of files, gone at the end of the test. */
export function folderWith(t: TestContext, files: Record<string, string>) {
  const folder = temporaryFolder(t)
  const write = (name: string, text: string): string => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }
  const paths = Object.fromEntries(
    Object.entries(files).map(([name, text]) => [name, write(name, text)]),
  )
  return { paths, write }
}
