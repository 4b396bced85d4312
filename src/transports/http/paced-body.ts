import type { Writable } from 'node:stream'
import { Outbound } from '../../queue/outbound.ts'
import { maxWaitingBytes } from './exchange.ts'

const limits = { maxBytes: maxWaitingBytes }

/**
 * The queue of a streamed response whose client does not keep up; one that does has none. Who lets too much wait is cut
 * off. What waited is no dead letter: up to 2025-11-25 it is in the event log of the session, where the client finds it
 * when it comes back, and in 2026-07-28 a client that listens anew looks at everything again.
 */
export function pacedBody(writable: Writable): Outbound {
  const sink = {
    write: (piece: string | Uint8Array) => writable.write(piece),
    cut: () => void writable.destroy(),
  }
  const outbound = new Outbound(sink, limits, 'http', undefined)
  writable.on('drain', () => outbound.drained())
  return outbound
}
