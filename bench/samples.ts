/** One measurement of one target in one round. */
export interface Sample {
  round: number
  workload: string
  target: string
  values: Record<string, number>
  /** Shares of one core in the window. */
  serverCpu?: number
  generatorCpu?: number
  otherCpu?: number
  /** How long the gauge's fixed work took on the server's core meanwhile. */
  gaugeMs?: number
  /** Why the sample does not count; it stays on record. */
  dropped?: Reason
  detail?: string
}

export type Reason =
  | 'server not saturated'
  | 'other work on the cores'
  | 'slow core'
  | 'faulty replies'
  | 'failed'

/** What the samples of a row come to. */
export interface Summary {
  median: number
  /** How many samples the median is of. */
  n: number
  /** True if no sample was valid and the median is of dropped ones, so is only indicative. */
  isFlagged: boolean
}

/** Under this share of its core a server was kept waiting: the sample shows something else. */
export const saturation = 0.95

/** How much slower than at its best in the run the server's core may be. */
export const slowness = 1.2

/** Where a server is not to be saturated: what other processes may take of its two cores. */
export const disturbance = 0.1

const usable = (sample: Sample) => sample.dropped === undefined

const starved = (sample: Sample) => sample.dropped === 'server not saturated'

/** Dropped, but with right answers: usable with a flag when nothing else is. */
const indicative = (sample: Sample) =>
  starved(sample) || sample.dropped === 'other work on the cores' || sample.dropped === 'slow core'

/**
 * A value of a sample. The rate of a server that was kept waiting says little; what it did in each
 * second of its processor is the nearest thing to the rate that it would have had.
 */
function readValue(sample: Sample, value: string): number {
  const name = value === 'perSecond' && starved(sample) ? 'perCpuSecond' : value
  return sample.values[name] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN
  return (lower + upper) / 2
}

/** The samples of one run, and the questions that the report asks about them. */
export class Samples {
  readonly all: Sample[] = []

  add(sample: Sample): void {
    this.all.push(sample)
  }

  /** Drops what was measured while the core was slow: only a whole run shows how fast it can be. */
  dropSlow(): void {
    const best = Math.min(...this.all.map(({ gaugeMs }) => gaugeMs ?? Number.POSITIVE_INFINITY))
    for (const sample of this.all) {
      if (usable(sample) && (sample.gaugeMs ?? 0) > best * slowness) sample.dropped = 'slow core'
    }
  }

  /** The valid samples of a row, or the flagged ones if there are no others. */
  #row(workload: string, target: string): Sample[] {
    const row = this.all.filter((s) => s.workload === workload && s.target === target)
    const valid = row.filter(usable)
    return valid.length > 0 ? valid : row.filter(indicative)
  }

  summary(workload: string, target: string, value: string): Summary | undefined {
    const row = this.#row(workload, target).filter(({ values }) => value in values)
    if (row.length === 0) return undefined
    return {
      median: median(row.map((sample) => readValue(sample, value))),
      n: row.length,
      isFlagged: !row.every(usable),
    }
  }

  /**
   * How many times as much the first target reaches as the second. Both drift with the machine, so
   * the ratio is taken within each round where both count; its median is the result.
   */
  ratio(
    value: string,
    [workloadA, targetA]: [string, string],
    [workloadB, targetB]: [string, string],
  ): Summary | undefined {
    const rowA = this.#row(workloadA, targetA)
    const rowB = this.#row(workloadB, targetB)
    const pairs = rowA.flatMap((a) => {
      const b = rowB.find(({ round }) => round === a.round)
      return b ? [readValue(a, value) / readValue(b, value)] : []
    })
    const a = this.summary(workloadA, targetA, value)
    const b = this.summary(workloadB, targetB, value)
    if (!a || !b) return undefined
    return {
      median: pairs.length > 0 ? median(pairs) : a.median / b.median,
      n: pairs.length > 0 ? pairs.length : Math.min(a.n, b.n),
      isFlagged: a.isFlagged || b.isFlagged || pairs.length === 0,
    }
  }
}
