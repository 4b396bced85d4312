import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { answerParent } from '../processes/ipc.ts'

export interface MemoryReading {
  heapBytes: number
  residentBytes: number
  /** Sessions by the server's own count, where the library shows it. */
  sessions?: number | undefined
}

/** Puts a request handler on a free loopback port. */
export async function listen(handler: RequestListener): Promise<number> {
  const server = createServer(handler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

interface Surroundings {
  countSessions?: () => number
  /** What clients must show to be let in. */
  token?: string
  /** Of the process that serves, where it is another one. */
  residentBytes?: () => number
}

/** Lets the runner ask for the port and the memory of this server, and end it. */
export function serve(
  port: number | Promise<number>,
  { countSessions, token, residentBytes }: Surroundings = {},
): void {
  answerParent({
    port: () => port,
    token: () => token,
    memory: async (): Promise<MemoryReading> => {
      // Twice, with a pause: what the first pass only hands to finalizers, the second one frees.
      for (let pass = 0; pass < 2; pass++) {
        globalThis.gc?.()
        await delay(100)
      }
      const { heapUsed, external, rss } = process.memoryUsage()
      return {
        heapBytes: heapUsed + external,
        residentBytes: residentBytes?.() ?? rss,
        sessions: countSessions?.(),
      }
    },
    pid: () => process.pid,
    stop: () => {
      setImmediate(() => process.exit(0))
    },
  })
}
