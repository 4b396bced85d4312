/** Every way from our client to a server of everything. */
import type { Target } from '../../src/client/target.ts'
import * as library from '../../src/index.ts'
import type { RevisionName } from '../../src/protocol/revisions/index.ts'
import { serveTcp } from '../../src/tcp.ts'
import { selfSigned } from '../support/certificate.ts'
import { serveEverything, stdioCommand } from '../support/clients.ts'
import { everything } from '../support/clients-everything.ts'

export interface OpenedWay {
  readonly target: Target
  close(): Promise<void>
}

export interface Way {
  readonly name: string
  readonly revisions: readonly RevisionName[]
  open(): Promise<OpenedWay>
}

const both = ['2025-11-25', '2026-07-28'] as const

export const ways: readonly Way[] = [
  {
    name: 'Streamable HTTP',
    revisions: ['2024-11-05', '2025-03-26', '2025-06-18', ...both],
    open: async () => {
      const { url, close } = await serveEverything()
      return { target: { url }, close }
    },
  },
  {
    name: 'HTTP with SSE',
    revisions: ['2024-11-05'],
    open: async () => {
      const { port, close } = await serveEverything({ legacySse: true })
      return { target: { url: `http://127.0.0.1:${port}/sse`, transport: 'sse' }, close }
    },
  },
  {
    name: 'stdio',
    revisions: both,
    open: async () => ({ target: stdioCommand(), close: async () => {} }),
  },
  {
    name: 'WebSocket',
    revisions: both,
    open: async () => {
      const { port, close } = await serveEverything({ webSocketPath: '/ws' })
      return { target: { url: `ws://127.0.0.1:${port}/ws` }, close }
    },
  },
  { name: 'TCP', revisions: both, open: () => onSocket(false) },
  { name: 'TCP with TLS', revisions: both, open: () => onSocket(true) },
  {
    name: 'in process',
    revisions: both,
    open: async () => ({ target: everything(library), close: async () => {} }),
  },
]

async function onSocket(isSecure: boolean): Promise<OpenedWay> {
  const { key, cert } = await selfSigned()
  const tls = isSecure ? { tls: { key, cert } } : {}
  const { port, close } = await serveTcp(everything(library), { port: 0, drainMs: 0, ...tls })
  const target: Target = isSecure
    ? { url: `tls://127.0.0.1:${port}`, tls: { ca: cert, servername: 'localhost' } }
    : { url: `tcp://127.0.0.1:${port}` }
  return { target, close }
}
