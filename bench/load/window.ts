import { setTimeout as delay } from 'node:timers/promises'
import { loadCore, serverCore } from '../processes/child.ts'
import { coreSeconds, processSeconds } from '../processes/cpu.ts'
import type { GaugeReading } from './gauge.ts'
import { readGauge } from './read-gauge.ts'

export interface WindowPlan {
  /**
   * Processor time that the server uses before the window opens. Not plain time: what makes a
   * server warm is the code it has run, and on a busy machine that takes longer.
   */
  warmupMs: number
  windowMs: number
  serverPid: number
}

/** What one measuring window saw. Times in milliseconds. */
export interface WindowResult {
  perSecond: number
  p50: number
  p95: number
  p99: number
  count: number
  errors: number
  firstError?: string
  /** Share of one core, 1 being all of it. */
  serverCpu: number
  generatorCpu: number
  /** What other processes used of the two cores. */
  otherCpu: number
  /** Processor time of the gauge's fixed work: the mean over the window. */
  gaugeMs: number
}

const gaugeIntervalMs = 500
const cores = [serverCore, loadCore]

/** More faults than this end the window: nothing measured after them would mean anything. */
const maxErrors = 1_000

/** A server that gets no processor is not waited for longer than so many times the warm-up. */
export const maxWarmupFactor = 4

/** Collects the durations of what completes while its window is open. */
export class Recorder {
  #durations = new Float64Array(1 << 16)
  #count = 0
  #isOpen = false
  #errors = 0
  #firstError: string | undefined
  readonly #gaveUp = new AbortController()

  /** Records one completed round trip, or what was wrong with it. */
  add(startedMs: number, nowMs: number, fault?: string): void {
    if (fault !== undefined) this.fail(fault)
    else if (this.#isOpen) {
      if (this.#count === this.#durations.length) this.#grow()
      this.#durations[this.#count++] = nowMs - startedMs
    }
  }

  /** A fault counts at any time, in the warm-up as well. */
  fail(fault: string): void {
    this.#firstError ??= fault
    if (++this.#errors > maxErrors) this.#gaveUp.abort()
  }

  /** Warms the server up, then measures for the length of the window. */
  async measure(plan: WindowPlan): Promise<WindowResult> {
    await this.#warmUp(plan)
    const readings = [await readGauge()]
    const serverBefore = processSeconds(plan.serverPid)
    const coresBefore = coreSeconds(cores)
    const generatorBefore = process.cpuUsage()
    const opened = performance.now()
    this.#isOpen = true
    const pending: Promise<GaugeReading>[] = []
    const ticker = setInterval(() => pending.push(readGauge()), gaugeIntervalMs)
    await this.#pause(plan.windowMs)
    clearInterval(ticker)
    this.#isOpen = false
    const seconds = (performance.now() - opened) / 1000
    const serverSeconds = processSeconds(plan.serverPid) - serverBefore
    const { user, system } = process.cpuUsage(generatorBefore)
    const generatorSeconds = (user + system) / 1e6
    const otherSeconds = coreSeconds(cores) - coresBefore - serverSeconds - generatorSeconds
    readings.push(...(await Promise.all(pending)), await readGauge())
    const durations = this.#durations.subarray(0, this.#count).sort()
    const percentile = (share: number) =>
      durations[Math.min(durations.length - 1, Math.floor(durations.length * share))] ?? Number.NaN
    return {
      perSecond: this.#count / seconds,
      p50: percentile(0.5),
      p95: percentile(0.95),
      p99: percentile(0.99),
      count: this.#count,
      errors: this.#errors,
      ...(this.#firstError === undefined ? {} : { firstError: this.#firstError }),
      serverCpu: serverSeconds / seconds,
      generatorCpu: generatorSeconds / seconds,
      // Ticks are coarse: the difference can come out a little below nothing.
      otherCpu: Math.max(0, otherSeconds / seconds),
      gaugeMs: readings.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / readings.length,
    }
  }

  async #warmUp({ serverPid, warmupMs }: WindowPlan): Promise<void> {
    const goal = processSeconds(serverPid) + warmupMs / 1000
    const deadline = performance.now() + warmupMs * maxWarmupFactor
    while (processSeconds(serverPid) < goal && performance.now() < deadline) {
      if (this.#gaveUp.signal.aborted) return
      await this.#pause(20)
    }
  }

  /** Ends early once there are too many faults. */
  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#gaveUp.signal }).catch(() => {})
  }

  #grow(): void {
    const larger = new Float64Array(this.#durations.length * 2)
    larger.set(this.#durations)
    this.#durations = larger
  }
}
