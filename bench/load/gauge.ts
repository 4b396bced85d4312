/**
 * How fast the server's core is just now. On a virtual machine a core can drop to half its speed
 * for seconds because of its neighbours, and nothing in /proc shows it. So a process on that core
 * does the same small work again and again, and says how much processor time it took. It is small
 * enough to stay under a hundredth of the core, so that it does not show in a 99th percentile.
 */
import { answerParent } from '../processes/ipc.ts'

export interface GaugeReading {
  /** Processor time of the fixed work: independent of what else runs on the core. */
  cpuMs: number
  /** Its time on the clock: longer, if it had to share the core. */
  wallMs: number
}

const text = JSON.stringify({ a: 1, b: 'some text', c: [1, 2, 3], d: { e: null } })

function work(turns: number): number {
  let length = 0
  for (let turn = 0; turn < turns; turn++) length += JSON.stringify(JSON.parse(text)).length
  return length
}

// Compiled and warm before the first reading.
work(300_000)

answerParent({
  read: (): GaugeReading => {
    // The server has just had the caches for itself.
    work(300)
    const startedMs = performance.now()
    const before = process.cpuUsage()
    work(3_000)
    const { user, system } = process.cpuUsage(before)
    return { cpuMs: (user + system) / 1000, wallMs: performance.now() - startedMs }
  },
})
