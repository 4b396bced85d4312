import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { TestContext } from 'node:test'
import {
  type DirectConnections,
  serveDirectly,
} from '../../src/transports/http/direct/serve-directly.ts'
import type { HttpExchange } from '../../src/transports/http/exchange.ts'
import { NodeExchange } from '../../src/transports/http/node-exchange.ts'

export interface TestListener {
  readonly port: number
  /** The listener's ends of all connections that are open. */
  readonly sockets: readonly Socket[]
  /** Requests that were not read by Node. */
  readonly direct: { requests: number; connections: DirectConnections | undefined }
}

/** A listener with one handler for all requests, with or without the direct path beneath. */
export async function startListener(
  t: Pick<TestContext, 'after'>,
  handle: (exchange: HttpExchange) => void,
  { direct = true, accepts = (path: string) => path === '/mcp' } = {},
): Promise<TestListener> {
  const http = createServer({ noDelay: true, keepAliveTimeout: 65_000 }, (request, response) =>
    handle(new NodeExchange(request, response)),
  )
  const counted = { requests: 0, connections: undefined as DirectConnections | undefined }
  if (direct) {
    counted.connections = serveDirectly(http, {
      accepts,
      handle: (exchange) => {
        counted.requests += 1
        handle(exchange)
      },
      keepAliveTimeoutMs: 65_000,
      requestTimeoutMs: 30_000,
    })
  }
  const sockets: Socket[] = []
  http.on('connection', (socket: Socket) => {
    sockets.push(socket)
    socket.once('close', () => sockets.splice(sockets.indexOf(socket), 1))
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  t.after(() => {
    http.close()
    http.closeAllConnections()
    counted.connections?.destroy()
  })
  return { port: (http.address() as AddressInfo).port, sockets, direct: counted }
}

/** Answers with what it has understood of a request. */
export function tell(exchange: HttpExchange): void {
  const names = ['host', 'content-type', 'x-a', 'x-b', 'content-length', 'mcp-session-id', 'cookie']
  exchange.readBody(1 << 20, (body) => {
    const seen = {
      method: exchange.method,
      headers: names.map((name) => exchange.getHeader(name) ?? null),
      body: body === undefined ? null : Buffer.from(body).toString('latin1'),
    }
    exchange.respond(200, ['content-type', 'application/json'], JSON.stringify(seen))
  })
}
