import type { CallsPlan } from '../load/calls.ts'
import type { WindowResult } from '../load/window.ts'
import { httpTargets, securedTargets } from '../targets.ts'
import {
  type Context,
  jobTimeoutMs,
  type RunningServer,
  record,
  sampleOf,
  withServer,
} from './context.ts'

/** Throughput, and latency under load. */
export const busyCalls = 'call-64'
/** Latency with nothing else to do. */
export const calmCalls = 'call-1'

/** Throughput with all security on, beside others that have none. */
export const securedCalls = 'secured-64'

export async function runCallWorkloads(context: Context): Promise<void> {
  for (const [workload, connections, targets] of [
    [busyCalls, 64, httpTargets],
    [calmCalls, 1, httpTargets],
    [securedCalls, 64, securedTargets],
  ] as const) {
    for (const target of targets) {
      if (!context.includes(workload, target)) continue
      await record(context, { workload, target }, () =>
        withServer(target, {}, async (server) => {
          // A server is as warm at one connection as at 64: it is warmed up in the same way.
          await windowOf(context, server, { connections: 64, windowMs: 1 })
          const result = await windowOf(context, server, { connections, warmupMs: 200 })
          return sampleOf(result, connections > 1 ? 'saturating' : 'waiting')
        }),
      )
    }
  }
}

/** Has the generator measure one window of calls. */
export function windowOf(
  context: Context,
  server: Pick<RunningServer, 'peer' | 'pid'>,
  overrides: Partial<CallsPlan>,
): Promise<WindowResult> {
  const plan: CallsPlan = {
    peer: server.peer,
    serverPid: server.pid,
    connections: 64,
    method: 'call',
    toolCount: 1,
    warmupMs: context.warmupMs,
    windowMs: context.windowMs,
    ...overrides,
  }
  return context.load('calls', plan, jobTimeoutMs(plan))
}
