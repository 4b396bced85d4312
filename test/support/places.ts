/** Every transport of ours, each serving everything, and what a client needs to get there. */
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { ReadBuffer, serializeMessage } from '@modelcontextprotocol/sdk/shared/stdio.js'
import { createFetchHandler } from '../../src/fetch.ts'
import * as library from '../../src/index.ts'
import { type ClientTransport, connectInMemory } from '../../src/memory.ts'
import { serveTcp } from '../../src/tcp.ts'
import { selfSigned } from './certificate.ts'
import { type Command, serveEverything, stdioCommand } from './clients.ts'
import { everything } from './clients-everything.ts'
import { frameworks } from './frameworks.ts'

/** How a client gets there. */
export type Way =
  | { readonly kind: 'stdio'; readonly command: Command }
  | { readonly kind: 'http' | 'sse' | 'webSocket'; readonly url: string }
  /** A stream of lines, or two ends in one process. */
  | { readonly kind: 'socket' | 'memory'; open(): Promise<ClientTransport> }

export type Place = Way & { close(): Promise<void> }

export const places: Record<string, { kind: Way['kind']; open(): Promise<Place> }> = {
  stdio: {
    kind: 'stdio',
    open: async () => ({ kind: 'stdio', command: stdioCommand(), close: async () => {} }),
  },
  'Streamable HTTP': {
    kind: 'http',
    open: async () => {
      const { url, close } = await serveEverything()
      return { kind: 'http', url, close }
    },
  },
  'HTTP with SSE': {
    kind: 'sse',
    open: async () => {
      const { port, close } = await serveEverything({ legacySse: true })
      return { kind: 'sse', url: `http://127.0.0.1:${port}/sse`, close }
    },
  },
  WebSocket: {
    kind: 'webSocket',
    open: async () => {
      const { port, close } = await serveEverything({ webSocketPath: '/ws' })
      return { kind: 'webSocket', url: `ws://127.0.0.1:${port}/ws`, close }
    },
  },
  TCP: { kind: 'socket', open: () => onSocket(false) },
  'TCP with TLS': { kind: 'socket', open: () => onSocket(true) },
  'in memory': {
    kind: 'memory',
    open: async () => ({
      kind: 'memory',
      open: async () => connectInMemory(everything(library)),
      close: async () => {},
    }),
  },
  'fetch in Hono': { kind: 'http', open: () => inFramework('Hono') },
  'fetch in Fastify': { kind: 'http', open: () => inFramework('Fastify') },
}

async function onSocket(isSecure: boolean): Promise<Place> {
  const { key, cert } = await selfSigned()
  const tls = isSecure ? { tls: { key, cert } } : {}
  const { port, close } = await serveTcp(everything(library), { port: 0, drainMs: 0, ...tls })
  const secure = { host: '127.0.0.1', port, ca: cert, servername: 'localhost' }
  const open = () =>
    isSecure
      ? lineTransport(connectTls(secure), 'secureConnect')
      : lineTransport(connectTcp(port, '127.0.0.1'), 'connect')
  return { kind: 'socket', open, close }
}

async function inFramework(name: string): Promise<Place> {
  const start = frameworks[name]
  if (start === undefined) throw new Error(`No framework ${name}`)
  const { url, close } = await start(createFetchHandler(everything(library)))
  return { kind: 'http', url, close }
}

/** A transport for official clients over a stream of lines, with the codec that they use for stdio. */
async function lineTransport(stream: Duplex, opened: string): Promise<ClientTransport> {
  await once(stream, opened)
  const buffer = new ReadBuffer()
  const transport: ClientTransport = {
    start: async () => {
      stream.on('data', (chunk: Buffer) => {
        buffer.append(chunk)
        for (;;) {
          const message = buffer.readMessage()
          if (message === null) return
          transport.onmessage?.(message)
        }
      })
      stream.on('error', (error: Error) => transport.onerror?.(error))
      stream.on('close', () => transport.onclose?.())
    },
    send: async (message) => {
      stream.write(serializeMessage(message as Parameters<typeof serializeMessage>[0]))
    },
    close: async () => void stream.destroy(),
  }
  return transport
}
