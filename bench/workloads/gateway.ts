import type { StdioPlan } from '../load/stdio.ts'
import type { WindowResult } from '../load/window.ts'
import { ask } from '../processes/ipc.ts'
import type { Sample } from '../samples.ts'
import type { MemoryReading } from '../servers/harness.ts'
import { gatewayTargets, manyUpstreams, tsmcpStdio } from '../targets.ts'
import { windowOf } from './calls.ts'
import { type Context, jobTimeoutMs, record, withServer } from './context.ts'

/** Few, because supergateway starts a process for each session. */
const connectionCounts = [1, 8]

export const gatewayWorkload = (connections: number) => `gateway-${connections}`

/** The first page of the list of all tools, of which there are 10,000. */
export const manyUpstreamsList = 'gateway-list'
const pageSize = 1000

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
  if (!context.includes(manyUpstreamsList, manyUpstreams)) return
  await record(context, { workload: manyUpstreamsList, target: manyUpstreams }, () =>
    withServer(manyUpstreams, {}, async (server) => {
      const overrides = { connections: 1, method: 'list', toolCount: pageSize } as const
      const { values, ...sample } = sampleOf(await windowOf(context, server, overrides))
      const { residentBytes } = await ask<MemoryReading>(server.child, 'memory')
      return { ...sample, values: { ...values, residentBytes } }
    }),
  )
}

/** A gateway is two processes on one core, and neither is saturated by itself: only faults drop a sample. */
function sampleOf(result: WindowResult): Omit<Sample, 'round' | 'workload' | 'target'> {
  const { perSecond, p50, p95, p99, count, errors, firstError, gaugeMs } = result
  const sample = { values: { perSecond, p50, p95, p99, count, errors }, gaugeMs }
  if (errors === 0 && count > 0) return sample
  return { ...sample, dropped: 'faulty replies', detail: firstError ?? 'no replies' }
}
