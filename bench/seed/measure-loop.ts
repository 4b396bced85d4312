import type { GaugeReading } from '../load/gauge.ts'
import { serverCore, start, stop } from '../processes/child.ts'
import { ask } from '../processes/ipc.ts'
import { saturation } from '../samples.ts'
import type { Context } from '../workloads/context.ts'
import type { LoopPlan, LoopResult } from './loop-process.ts'
import type { Measured } from './workload.ts'

/** Runs a loop in a fresh process that has a core for itself. */
export async function measureLoop(context: Context, loop: string, size: number): Promise<Measured> {
  const before = await context.load<GaugeReading>('gauge', {})
  const plan: LoopPlan = { loop, size, warmupMs: context.warmupMs, windowMs: context.windowMs }
  const child = start('seed/loop-process.ts', { core: serverCore })
  let result: LoopResult
  try {
    const timeoutMs = (plan.warmupMs + plan.windowMs) * 20 + 30_000
    result = await ask<LoopResult>(child, 'measure', plan, timeoutMs)
  } finally {
    await stop(child)
  }
  const after = await context.load<GaugeReading>('gauge', {})
  const { operations, wallMs, cpuMs } = result
  const serverCpu = cpuMs / wallMs
  const perCpuSecond = (operations / cpuMs) * 1000
  const measured = {
    values: {
      perSecond: (operations / wallMs) * 1000,
      perCpuSecond,
      nanoseconds: 1e9 / perCpuSecond,
    },
    serverCpu,
    gaugeMs: (before.cpuMs + after.cpuMs) / 2,
  }
  return serverCpu >= saturation ? measured : { ...measured, dropped: 'server not saturated' }
}
