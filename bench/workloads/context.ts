import type { ChildProcess } from 'node:child_process'
import type { Peer } from '../load/requests.ts'
import { maxWarmupFactor, type WindowResult } from '../load/window.ts'
import { serverCore, start, stop } from '../processes/child.ts'
import { ask } from '../processes/ipc.ts'
import { disturbance, type Sample, type Samples, saturation } from '../samples.ts'
import type { Target } from '../targets.ts'

/** What a workload has at hand. */
export interface Context {
  round: number
  warmupMs: number
  windowMs: number
  isQuick: boolean
  samples: Samples
  /** False for what `--only` excludes and for what cannot run here. */
  includes: (workload: string, target: { name: string }) => boolean
  /** Gives the load generator one job. */
  load: <Value>(job: string, plan: object, timeoutMs?: number) => Promise<Value>
  say: (line: string) => void
}

/** When a job with a window is given up: its pauses at their longest, and some time around them. */
export const jobTimeoutMs = (plan: { warmupMs: number; windowMs: number }): number =>
  plan.warmupMs * maxWarmupFactor + plan.windowMs + 15_000

/** A measured server while it runs. */
export interface RunningServer {
  child: ChildProcess
  pid: number
  peer: Peer
}

export interface ServerOptions {
  toolCount?: number
  nodeFlags?: string[]
}

/** Starts the server of a target, works with it, and ends it whatever happens. */
export async function withServer<Value>(
  target: Target,
  options: ServerOptions,
  work: (server: RunningServer) => Promise<Value>,
): Promise<Value> {
  const child = start(target.file, {
    core: serverCore,
    nodeFlags: options.nodeFlags ?? [],
    environment: { BENCH_TOOLS: String(options.toolCount ?? 1) },
  })
  try {
    const port = await ask<number>(child, 'port')
    const { revision, hasSessions } = target
    const token = await ask<string | undefined>(child, 'token')
    const peer: Peer = { port, revision, hasSessions, token }
    return await work({ child, pid: child.pid ?? 0, peer })
  } finally {
    await stop(child)
  }
}

interface Row {
  workload: string
  target: { name: string }
}

/** Records a sample; a workload that fails is recorded as failed and does not end the run. */
export async function record(
  context: Context,
  { workload, target }: Row,
  measure: () => Promise<Omit<Sample, 'round' | 'workload' | 'target'>>,
): Promise<void> {
  const row = { round: context.round, workload, target: target.name }
  try {
    context.samples.add({ ...row, ...(await measure()) })
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    context.samples.add({ ...row, values: {}, dropped: 'failed', detail })
  }
  const sample = context.samples.all.at(-1)
  if (sample) context.say(describe(sample))
}

function describe(sample: Sample): string {
  const values = Object.entries(sample.values).map(
    ([name, value]) => `${name} ${value < 100 ? value.toPrecision(3) : Math.round(value)}`,
  )
  const { serverCpu, generatorCpu, otherCpu } = sample
  const shares = [serverCpu, generatorCpu, otherCpu].map((share) => share?.toFixed(2))
  const cpu = serverCpu === undefined ? [] : [`cpu ${shares.join('/')}`]
  const gauge = sample.gaugeMs === undefined ? [] : [`gauge ${sample.gaugeMs.toFixed(1)}`]
  const dropped = sample.dropped ? [`DROPPED: ${sample.dropped} ${sample.detail ?? ''}`] : []
  return [sample.workload, sample.target, ...values, ...cpu, ...gauge, ...dropped].join('  ')
}

/**
 * Makes a sample of a window. A workload that should saturate the server is held to that; one that
 * waits by its nature is held to a machine that did nothing else.
 */
export function sampleOf(
  result: WindowResult,
  kind: 'saturating' | 'waiting',
): Omit<Sample, 'round' | 'workload' | 'target'> {
  const { perSecond, p50, p95, p99, count, errors, firstError } = result
  const { serverCpu, generatorCpu, otherCpu, gaugeMs } = result
  const values = { perSecond, perCpuSecond: perSecond / serverCpu, p50, p95, p99, count, errors }
  const sample = { values, serverCpu, generatorCpu, otherCpu, gaugeMs }
  if (errors > 0 || count === 0) {
    return { ...sample, dropped: 'faulty replies', detail: firstError ?? 'no replies' }
  }
  if (kind === 'saturating') {
    return serverCpu >= saturation ? sample : { ...sample, dropped: 'server not saturated' }
  }
  return otherCpu <= disturbance ? sample : { ...sample, dropped: 'other work on the cores' }
}
