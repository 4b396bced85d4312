import type { Peer } from '../load/requests.ts'
import { withServed } from '../processes/served.ts'
import { latestStateful } from '../targets.ts'
import { windowOf } from '../workloads/calls.ts'
import type { Context } from '../workloads/context.ts'
import type { Measured } from './workload.ts'

/** Milliseconds that the tool keeps its processor: so long that the generator leaves its own core nearly free. */
const workMs = 0.5
const connections = 32

/** Calls of a tool that works, to one process and then to so many workers. */
export async function measureWorkers(context: Context, workers: number): Promise<Measured> {
  const one = await calls(context, 1)
  const many = await calls(context, workers)
  const values = {
    one: one.perSecond,
    perSecond: many.perSecond,
    ratio: many.perSecond / one.perSecond,
    p50: many.p50,
    p95: many.p95,
    generator: many.generatorCpu,
  }
  const fault = one.firstError ?? many.firstError
  if (fault === undefined) return { values, gaugeMs: many.gaugeMs }
  return { values, dropped: 'faulty replies', detail: fault }
}

function calls(context: Context, workers: number) {
  return withServed(
    'servers/held.ts',
    workers,
    [],
    (served) => {
      const peer: Peer = { port: served.port, revision: latestStateful, hasSessions: true }
      return windowOf(context, { peer, pid: served.workers[0] ?? 0 }, { connections })
    },
    { BENCH_WORK_MS: String(workMs) },
  )
}
