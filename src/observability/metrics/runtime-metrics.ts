import { totalmem } from 'node:os'
import type { PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'
import { builtin } from '../../internal/builtin.ts'
import type { Meter, Report } from './meter.ts'

/** Milliseconds between two looks at the event loop. */
const resolutionMs = 10
/** Delays are those of the last so many milliseconds, whoever looks how often. */
const windowMs = 5000

const collectionTypes: Readonly<Record<number, string>> = {
  1: 'minor',
  4: 'major',
  8: 'incremental',
  16: 'weakcb',
}

interface Delays {
  readonly median: number
  readonly high: number
  readonly max: number
}
const noDelay: Delays = { median: 0, high: 0, max: 0 }

/** Memory, garbage collection and event loop of this process, in the words of the conventions for Node.js. */
export class RuntimeMetrics {
  readonly #delays: ReturnType<typeof builtin.perfHooks.monitorEventLoopDelay>
  readonly #collections: PerformanceObserver
  readonly #stopReporting: () => void
  readonly #timer: NodeJS.Timeout
  #before: Delays = noDelay
  #utilization = performance.eventLoopUtilization()

  constructor(meter: Meter) {
    const { monitorEventLoopDelay, PerformanceObserver } = builtin.perfHooks
    this.#delays = monitorEventLoopDelay({ resolution: resolutionMs })
    this.#delays.enable()
    this.#collections = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        meter.histogram('collectionDuration', typeOf(entry)).record(entry.duration / 1000)
      }
    })
    this.#collections.observe({ entryTypes: ['gc'] })
    this.#timer = setInterval(() => {
      this.#before = this.#readDelays()
      this.#delays.reset()
    }, windowMs).unref()
    this.#stopReporting = meter.observe((report) => this.#report(report))
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#delays.disable()
    this.#collections.disconnect()
    this.#stopReporting()
  }

  #report(report: Report): void {
    const { rss, heapUsed } = process.memoryUsage()
    report('memoryUsage', rss)
    report('memoryLimit', memoryLimit())
    report('heapUsed', heapUsed)
    report('heapLimit', builtin.v8.getHeapStatistics().heap_size_limit)
    const { user, system } = process.cpuUsage()
    report('cpuTime', user / 1e6, 'user')
    report('cpuTime', system / 1e6, 'system')
    const now = this.#readDelays()
    report('eventLoopDelayMedian', Math.max(now.median, this.#before.median))
    report('eventLoopDelayHigh', Math.max(now.high, this.#before.high))
    report('eventLoopDelayMax', Math.max(now.max, this.#before.max))
    const current = performance.eventLoopUtilization()
    report(
      'eventLoopUtilization',
      performance.eventLoopUtilization(current, this.#utilization).utilization,
    )
    this.#utilization = current
  }

  #readDelays(): Delays {
    const histogram = this.#delays
    if (histogram.count === 0) return noDelay
    return {
      median: seconds(histogram.percentile(50)),
      high: seconds(histogram.percentile(99)),
      max: seconds(histogram.max),
    }
  }
}

/** What is measured is the time from one look to the next, of which the delay is what there is too much. */
function seconds(nanoseconds: number): number {
  return Math.max(nanoseconds / 1e6 - resolutionMs, 0) / 1000
}

function typeOf(entry: PerformanceEntry): string {
  const { kind } = ((entry as { detail?: unknown }).detail ?? {}) as { kind?: number }
  return collectionTypes[kind ?? 0] ?? 'other'
}

/** That of the control group where one is set, else all of the machine. */
function memoryLimit(): number {
  const machine = totalmem()
  const constrained = process.constrainedMemory()
  return constrained > 0 && constrained < machine ? constrained : machine
}
