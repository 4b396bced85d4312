import { setTimeout as delay } from 'node:timers/promises'
import type { ListenerKind, ListenPlan } from '../load/listeners.ts'
import type { Peer } from '../load/requests.ts'
import type { SessionsPlan } from '../load/sessions.ts'
import type { WindowResult } from '../load/window.ts'
import { Generator } from '../processes/generator.ts'
import { type Served, withServed } from '../processes/served.ts'
import { latestStateful } from '../targets.ts'
import { windowOf } from '../workloads/calls.ts'
import { type Context, jobTimeoutMs } from '../workloads/context.ts'
import type { Measured } from './workload.ts'

/** A process here may open 20,000 files: both sides need several for 52,000 connections. */
const workers = 3
const holders = 3
/** How many are there before the first reading: code and tables have then settled. */
const settled = 1000
const callConnections = 16
const patienceMs = 600_000
/** What a machine needs to come to rest after so many connections. */
const restMs = 5000

const flags = ['--ws', '/ws', '--max-sessions', '200000', '--max-connections', '60000']

/**
 * So many connections that listen, each with a session of its own: what one takes of memory, what a call costs while
 * they are held, and how long it takes until all have been told of a change.
 */
export function measureHeld(context: Context, kind: ListenerKind, size: number): Promise<Measured> {
  return withServed('servers/held.ts', workers, flags, (served) =>
    withHolders(async (holding) => {
      const peer: Peer = { port: served.port, revision: latestStateful, hasSessions: true }
      await hold(holding, { peer, kind, count: settled })
      const without = await calls(context, served, peer)
      await delay(restMs)
      const before = served.residentBytes()
      await hold(holding, { peer, kind, count: size })
      await delay(restMs)
      const after = served.residentBytes()
      const during = await calls(context, served, peer)
      const toldMs = await tellAll(holding, served)
      const lost = await sum(holding, 'countLost')
      const values = {
        residentBytes: (after - before) / size,
        p50: during.p50,
        p95: during.p95,
        p95Ratio: during.p95 / without.p95,
        perSecond: during.perSecond,
        toldMs,
        lost,
      }
      const fault = without.firstError ?? during.firstError
      if (fault === undefined && lost === 0) return { values, gaugeMs: during.gaugeMs }
      return { values, dropped: 'faulty replies', detail: fault ?? `${lost} connections were lost` }
    }),
  )
}

/**
 * All at once for a while: connections that listen are held and told of a change each second, sessions are opened, and
 * tools are called.
 */
export function measureMixed(context: Context, size: number): Promise<Measured> {
  return withServed('servers/held.ts', workers, flags, (served) =>
    withHolders(async (holding) => {
      const peer: Peer = { port: served.port, revision: latestStateful, hasSessions: true }
      const [opener] = holding
      await hold(holding, { peer, kind: 'stream', count: size / 2 })
      await hold(holding, { peer, kind: 'web-socket', count: size / 2 })
      const plan: SessionsPlan = {
        peer,
        serverPid: served.workers[0] ?? 0,
        connections: 4,
        warmupMs: context.warmupMs,
        windowMs: context.windowMs,
      }
      const isOver = new AbortController()
      const [called, opened, toldMs] = await Promise.all([
        calls(context, served, peer).finally(() => isOver.abort()),
        opener?.run<WindowResult>('sessions', plan, jobTimeoutMs(plan)),
        tellEachSecond(holding.slice(1), served, isOver.signal),
      ])
      const lost = await sum(holding, 'countLost')
      const values = {
        perSecond: called.perSecond,
        p50: called.p50,
        p95: called.p95,
        sessionsPerSecond: opened?.perSecond ?? 0,
        toldMs,
        lost,
      }
      const fault = called.firstError ?? opened?.firstError
      if (fault === undefined && lost === 0) return { values, gaugeMs: called.gaugeMs }
      return { values, dropped: 'faulty replies', detail: fault ?? `${lost} connections were lost` }
    }),
  )
}

function calls(context: Context, served: Served, peer: Peer): Promise<WindowResult> {
  const server = { peer, pid: served.workers[0] ?? 0 }
  return windowOf(context, server, { connections: callConnections })
}

async function withHolders<Value>(
  work: (holding: readonly Generator[]) => Promise<Value>,
): Promise<Value> {
  const holding = Array.from({ length: holders }, () => new Generator())
  try {
    return await work(holding)
  } finally {
    await Promise.all(holding.map((holder) => holder.close()))
  }
}

async function hold(
  holding: readonly Generator[],
  plan: Omit<ListenPlan, 'source'>,
): Promise<void> {
  await Promise.all(
    holding.map((holder, index) => {
      const share = Math.floor((plan.count + index) / holding.length)
      return holder.run('listenMore', { ...plan, count: share, source: index + 1 }, patienceMs)
    }),
  )
}

/** @returns milliseconds from the change until the last listener has been told */
async function tellAll(holding: readonly Generator[], served: Served): Promise<number> {
  await Promise.all(holding.map((holder) => holder.run('forgetTold', {})))
  const changedAtMs = Date.now()
  for (const pid of served.workers) process.kill(pid, 'SIGUSR2')
  const plan = { patienceMs: 60_000 }
  const times = await Promise.all(
    holding.map((holder) => holder.run<number>('untilAllTold', plan, 70_000)),
  )
  return Math.max(...times) - changedAtMs
}

/** @returns milliseconds of the slowest change */
async function tellEachSecond(
  holding: readonly Generator[],
  served: Served,
  signal: AbortSignal,
): Promise<number> {
  let slowest = 0
  while (!signal.aborted) {
    slowest = Math.max(slowest, await tellAll(holding, served))
    await delay(1000, undefined, { signal }).catch(() => {})
  }
  return slowest
}

async function sum(holding: readonly Generator[], job: string): Promise<number> {
  const counts = await Promise.all(holding.map((holder) => holder.run<number>(job, {})))
  return counts.reduce((total, count) => total + count, 0)
}
