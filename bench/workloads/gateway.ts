import type { StdioPlan } from '../load/stdio.ts'
import type { WindowResult } from '../load/window.ts'
import type { Sample } from '../samples.ts'
import { gatewayTargets, tsmcpStdio } from '../targets.ts'
import { windowOf } from './calls.ts'
import { type Context, jobTimeoutMs, record, withServer } from './context.ts'

/** Few, because supergateway starts a process for each session. */
const connectionCounts = [1, 8]

export const gatewayWorkload = (connections: number) => `gateway-${connections}`

/** Gateways over HTTP before one and the same server on stdio, and that server by itself. */
export async function runGatewayWorkloads(context: Context): Promise<void> {
  for (const connections of connectionCounts) {
    const workload = gatewayWorkload(connections)
    if (context.includes(workload, tsmcpStdio)) {
      await record(context, { workload, target: tsmcpStdio }, async () => {
        const { warmupMs, windowMs } = context
        const { file, revision } = tsmcpStdio
        const plan: StdioPlan = { file, revision, inFlight: connections, warmupMs, windowMs }
        return sampleOf(await context.load<WindowResult>('stdio', plan, jobTimeoutMs(plan)))
      })
    }
    for (const target of gatewayTargets) {
      if (!context.includes(workload, target)) continue
      await record(context, { workload, target }, () =>
        withServer(target, {}, async (server) =>
          sampleOf(await windowOf(context, server, { connections })),
        ),
      )
    }
  }
}

/** A gateway is two processes on one core, and neither is saturated by itself: only faults drop a sample. */
function sampleOf(result: WindowResult): Omit<Sample, 'round' | 'workload' | 'target'> {
  const { perSecond, p50, p95, p99, count, errors, firstError, gaugeMs } = result
  const sample = { values: { perSecond, p50, p95, p99, count, errors }, gaugeMs }
  if (errors === 0 && count > 0) return sample
  return { ...sample, dropped: 'faulty replies', detail: firstError ?? 'no replies' }
}
