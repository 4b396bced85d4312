import type { SessionsPlan } from '../load/sessions.ts'
import type { WindowResult } from '../load/window.ts'
import { sessionTargets } from '../targets.ts'
import { type Context, jobTimeoutMs, record, sampleOf, withServer } from './context.ts'

export const sessionRate = 'sessions'

export async function runSessionWorkload(context: Context): Promise<void> {
  const { warmupMs, windowMs } = context
  for (const target of sessionTargets) {
    if (!context.includes(sessionRate, target)) continue
    await record(context, { workload: sessionRate, target }, () =>
      withServer(target, {}, async ({ peer, pid }) => {
        const plan: SessionsPlan = { peer, serverPid: pid, connections: 64, warmupMs, windowMs }
        const timeoutMs = jobTimeoutMs(plan)
        return sampleOf(await context.load<WindowResult>('sessions', plan, timeoutMs), 'saturating')
      }),
    )
  }
}
