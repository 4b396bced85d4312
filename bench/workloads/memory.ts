import { setTimeout as delay } from 'node:timers/promises'
import { establishedConnections } from '../processes/cpu.ts'
import { ask } from '../processes/ipc.ts'
import type { MemoryReading } from '../servers/harness.ts'
import { sessionTargets } from '../targets.ts'
import { type Context, type RunningServer, record, withServer } from './context.ts'

export const idleSessions = 'session-memory'
export const openStreams = 'stream-memory'

/** How many are there before the first reading: code and tables have then settled. */
const settledSessions = 500
const settledStreams = 100

const patienceMs = 120_000

export async function runMemoryWorkloads(context: Context): Promise<void> {
  const sessionCount = context.isQuick ? 4_000 : 10_000
  const streamCount = context.isQuick ? 1_000 : 2_000
  for (const target of sessionTargets) {
    if (!context.includes(idleSessions, target)) continue
    try {
      await withServer(target, { nodeFlags: ['--expose-gc'] }, async (server) => {
        const sessions = { workload: idleSessions, target }
        await record(context, sessions, () => measureSessions(context, server, sessionCount))
        const streams = { workload: openStreams, target }
        await record(context, streams, () => measureStreams(context, server, streamCount))
      })
    } finally {
      await context.load('release', {})
    }
  }
}

async function read({ child }: RunningServer): Promise<MemoryReading> {
  // The server has to notice first that the connections of the last step are gone.
  await delay(300)
  return ask<MemoryReading>(child, 'memory', undefined, 30_000)
}

const perItem = (before: MemoryReading, after: MemoryReading, count: number) => ({
  heapBytes: (after.heapBytes - before.heapBytes) / count,
  residentBytes: (after.residentBytes - before.residentBytes) / count,
})

async function measureSessions(context: Context, server: RunningServer, count: number) {
  const { peer } = server
  const hold = (more: number) => context.load('holdSessions', { peer, count: more }, patienceMs)
  await hold(settledSessions)
  const before = await read(server)
  await hold(count)
  const after = await read(server)
  const probed = await context.load<number>('probeSessions', { peer }, patienceMs)
  const expected = settledSessions + count
  if (after.sessions !== undefined && after.sessions !== expected) {
    throw new Error(`the server counts ${after.sessions} sessions instead of ${expected}`)
  }
  const baseBytes = before.residentBytes
  return { values: { ...perItem(before, after, count), count, probed, baseBytes } }
}

async function measureStreams(context: Context, server: RunningServer, count: number) {
  const { peer } = server
  const open = (more: number) => context.load('openStreams', { peer, count: more }, patienceMs)
  await open(settledStreams)
  const before = await read(server)
  await open(count)
  const after = await read(server)
  const established = establishedConnections(peer.port)
  if (established !== settledStreams + count) {
    throw new Error(`the server holds ${established} connections`)
  }
  return { values: { ...perItem(before, after, count), count, established } }
}
