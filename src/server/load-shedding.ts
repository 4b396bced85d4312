import { builtin } from '../internal/builtin.ts'

export interface SheddingLimits {
  /** Milliseconds by which the event loop may lag, in the middle of the last second. Default 1000; 0 switches it off. */
  readonly maxLagMs: number
  /** Resident memory of the process, in bytes. Default 0, which switches it off. */
  readonly maxMemoryBytes: number
  /** Of the heap that Node may use, the share above which it would soon be over. Default 0.9; 0 switches it off. */
  readonly maxHeapShare: number
}

export const defaultSheddingLimits: SheddingLimits = {
  maxLagMs: 1000,
  maxMemoryBytes: 0,
  maxHeapShare: 0.9,
}

/** How the process is doing. */
export interface Load {
  readonly lagMs: number
  readonly memoryBytes: number
  readonly heapShare: number
}

/** Where the load is read. */
export interface LoadGauge {
  read(): Load
  close(): void
}

/** What there is too much of. */
export type Overload = 'event loop lag' | 'memory' | 'heap'

/** Once shedding has begun it ends when the load is under this share of the limit, so that it does not flicker. */
const calmShare = { 'event loop lag': 0.5, memory: 0.95, heap: 0.95 } as const

/**
 * Says whether the process has too much to do to take more on. The load is read once a sweep and only the verdict is
 * looked at by requests.
 */
export class LoadShedding {
  readonly #limits: SheddingLimits
  readonly #openGauge: () => LoadGauge
  #gauge: LoadGauge | undefined = undefined
  #overload: Overload | undefined = undefined
  #load: Load = { lagMs: 0, memoryBytes: 0, heapShare: 0 }

  constructor(limits: SheddingLimits, openGauge: () => LoadGauge = () => new ProcessGauge()) {
    this.#limits = limits
    this.#openGauge = openGauge
  }

  /** Why new work is refused at the moment; undefined when it is not. */
  get overload(): Overload | undefined {
    return this.#overload
  }

  /** What was read last. */
  get load(): Load {
    return this.#load
  }

  /** Reads the load. The gauge is made at the first time: what ends within a second needs none. */
  sample(): void {
    const { maxLagMs, maxMemoryBytes, maxHeapShare } = this.#limits
    if (maxLagMs === 0 && maxMemoryBytes === 0 && maxHeapShare === 0) return
    this.#gauge ??= this.#openGauge()
    this.#load = this.#gauge.read()
    const { lagMs, memoryBytes, heapShare } = this.#load
    this.#overload =
      this.#exceeds('event loop lag', lagMs, maxLagMs) ??
      this.#exceeds('memory', memoryBytes, maxMemoryBytes) ??
      this.#exceeds('heap', heapShare, maxHeapShare)
  }

  close(): void {
    this.#gauge?.close()
    this.#gauge = undefined
  }

  #exceeds(what: Overload, value: number, limit: number): Overload | undefined {
    if (limit === 0) return undefined
    const mark = this.#overload === what ? limit * calmShare[what] : limit
    return value > mark ? what : undefined
  }
}

/** Milliseconds between two looks at the event loop; each is a turn of it, so not too often. */
const resolutionMs = 20

class ProcessGauge implements LoadGauge {
  readonly #delays: ReturnType<typeof builtin.perfHooks.monitorEventLoopDelay>
  readonly #heapLimit = builtin.v8.getHeapStatistics().heap_size_limit

  constructor() {
    this.#delays = builtin.perfHooks.monitorEventLoopDelay({ resolution: resolutionMs })
    this.#delays.enable()
  }

  read(): Load {
    // The histogram has the whole time between two looks. The median: one long turn is no overload.
    const medianMs = this.#delays.count === 0 ? 0 : this.#delays.percentile(50) / 1e6
    this.#delays.reset()
    const { rss, heapUsed } = process.memoryUsage()
    return {
      lagMs: Math.max(medianMs - resolutionMs, 0),
      memoryBytes: rss,
      heapShare: heapUsed / this.#heapLimit,
    }
  }

  close(): void {
    this.#delays.disable()
  }
}
