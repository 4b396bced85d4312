/** A process of its own, on one core: runs one loop and says how fast it was. */
import { answerParent } from '../processes/ipc.ts'
import type { Loop, LoopMaker } from './loop.ts'
import { queueLoops } from './queue-loops.ts'
import { registryLoops } from './registry-loops.ts'

const loops: Record<string, LoopMaker> = { ...registryLoops, ...queueLoops }

export interface LoopPlan {
  loop: string
  size: number
  warmupMs: number
  windowMs: number
}

export interface LoopResult {
  operations: number
  wallMs: number
  cpuMs: number
}

/** Runs batches until they have taken so much processor time. */
function runFor(loop: Loop, cpuLimitMs: number): LoopResult {
  const result = { operations: 0, wallMs: 0, cpuMs: 0 }
  while (result.cpuMs < cpuLimitMs) {
    loop.prepare()
    const startedMs = performance.now()
    const before = process.cpuUsage()
    result.operations += loop.run()
    const { user, system } = process.cpuUsage(before)
    result.cpuMs += (user + system) / 1000
    result.wallMs += performance.now() - startedMs
  }
  return result
}

answerParent({
  measure: ({ loop: name, size, warmupMs, windowMs }: LoopPlan): LoopResult => {
    const make = loops[name]
    if (make === undefined) throw new Error(`no loop is called ${name}`)
    const loop = make(size)
    runFor(loop, warmupMs)
    return runFor(loop, windowMs)
  },
})
