import type { StdioPlan } from '../load/stdio.ts'
import type { WindowResult } from '../load/window.ts'
import { stdioTargets } from '../targets.ts'
import { type Context, jobTimeoutMs, record, sampleOf } from './context.ts'

const inFlight = [1, 64]

export const stdioWorkload = (requests: number) => `stdio-${requests}`

export async function runStdioWorkloads(context: Context): Promise<void> {
  const { warmupMs, windowMs } = context
  for (const requests of inFlight) {
    const workload = stdioWorkload(requests)
    for (const target of stdioTargets) {
      if (!context.includes(workload, target)) continue
      await record(context, { workload, target }, async () => {
        const { file, revision } = target
        const plan: StdioPlan = { file, revision, inFlight: requests, warmupMs, windowMs }
        const timeoutMs = jobTimeoutMs(plan)
        const result = await context.load<WindowResult>('stdio', plan, timeoutMs)
        return sampleOf(result, 'waiting')
      })
    }
  }
}
