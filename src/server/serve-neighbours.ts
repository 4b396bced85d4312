import { chmodSync } from 'node:fs'
import { builtin } from '../internal/builtin.ts'
import { serveDirectly } from '../transports/http/direct/serve-directly.ts'
import type { HttpExchange } from '../transports/http/exchange.ts'
import { NodeExchange } from '../transports/http/node-exchange.ts'
import type { Engine } from './engine.ts'
import type { HttpEndpoint } from './http-endpoint.ts'
import type { HttpGate } from './http-gate.ts'
import type { LegacySseEndpoint } from './legacy-sse-endpoint.ts'
import { listenAt } from './listen-at.ts'
import { Neighbours, neighbourPaths, type SharedStore } from './neighbours.ts'

/** The listener for what other processes pass on. */
export interface NeighbourListener {
  close(): Promise<void>
}

/** Longer than a neighbour keeps a connection. */
const keepAliveTimeoutMs = 120_000
const requestTimeoutMs = 30_000
/** What sockaddr_un holds on Linux, but for the zero at its end. */
const longestSocketPath = 107

/**
 * Other processes may serve the same store: what they have is asked of them from now on, and what is here is given to
 * them.
 *
 * @throws Error when the path of the socket is too long, or cannot be listened at
 */
export async function meetNeighbours(
  store: SharedStore,
  engine: Engine,
  gate: HttpGate,
  endpoint: HttpEndpoint,
  legacySse: LegacySseEndpoint | undefined,
): Promise<NeighbourListener> {
  const neighbours = new Neighbours(store, engine, gate)
  endpoint.neighbours = neighbours
  if (legacySse !== undefined) legacySse.neighbours = neighbours
  const path = store.socketPath(store.run)
  const { sweep, close } = await serveNeighbours(path, neighbours, endpoint, legacySse)
  const stopTelling = engine.service.onChange((change) => {
    if ('resource' in change) neighbours.tellChanged(change.resource)
  })
  engine.sweep.add(sweep)
  await neighbours.introduce()
  return {
    close: async () => {
      stopTelling()
      neighbours.close()
      await close()
    },
  }
}

/**
 * Takes requests from the other processes at a socket that only this user can reach.
 */
async function serveNeighbours(
  socketPath: string,
  neighbours: Neighbours,
  endpoint: HttpEndpoint,
  legacySse: LegacySseEndpoint | undefined,
): Promise<NeighbourListener & { sweep(nowMs: number): void }> {
  if (Buffer.byteLength(socketPath) > longestSocketPath) {
    throw new Error(
      `${socketPath} is too long for a socket (${longestSocketPath} bytes): take a data folder with a shorter path`,
    )
  }
  const route = (exchange: HttpExchange, path: string, streamId: string | null): void => {
    if (path === neighbourPaths.news) neighbours.hear(exchange)
    else if (path === neighbourPaths.give) neighbours.give(exchange)
    else if (path === neighbourPaths.messages)
      legacySse?.postHere(neighbours.received(exchange), streamId)
    else neighbours.answerPassedOn(exchange, (each) => endpoint.handleHere(each))
  }
  const listener = builtin.http.createServer(
    { requestTimeout: requestTimeoutMs, keepAliveTimeout: keepAliveTimeoutMs },
    (request, response) => {
      const url = new URL(request.url ?? '/', 'http://localhost')
      const streamId = url.searchParams.get('sessionId')
      route(new NodeExchange(request, response), url.pathname, streamId)
    },
  )
  const direct = serveDirectly(listener, {
    accepts: (path) => path === neighbourPaths.endpoint,
    handle: (exchange) => route(exchange, neighbourPaths.endpoint, null),
    keepAliveTimeoutMs,
    requestTimeoutMs,
  })
  await listenAt(listener, { path: socketPath })
  chmodSync(socketPath, 0o600)
  return {
    sweep: (nowMs) => direct.sweep(nowMs),
    close: async () => {
      const closed = new Promise((resolve) => listener.close(resolve))
      direct.destroy()
      listener.closeAllConnections()
      await closed
    },
  }
}
