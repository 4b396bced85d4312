import type { AttributeValues, Exemplar, HistogramValue } from './snapshot.ts'

/** Series that one metric may have; what comes then is counted together (OpenTelemetry, cardinality limits). */
export const maxSeries = 2000

/** One series of a counter. */
export class Counter {
  value = 0

  add(amount = 1): void {
    this.value += amount
  }
}

/** One series of a histogram. */
export class Histogram {
  readonly #bounds: readonly number[]
  readonly #counts: Float64Array
  #exemplars: (Exemplar | null)[] | undefined = undefined
  #sum = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  /** @param exemplar - of a value that belongs to a trace which is recorded */
  record(value: number, exemplar?: Exemplar): void {
    const bucket = this.#bucketOf(value)
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#sum += value
    if (exemplar === undefined) return
    this.#exemplars ??= new Array<Exemplar | null>(this.#counts.length).fill(null)
    this.#exemplars[bucket] = exemplar
  }

  get value(): HistogramValue {
    return {
      counts: [...this.#counts],
      sum: this.#sum,
      ...(this.#exemplars !== undefined && { exemplars: [...this.#exemplars] }),
    }
  }

  /** Most of what is measured is short: from the first bound up. */
  #bucketOf(value: number): number {
    const bounds = this.#bounds
    let bucket = 0
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket += 1
    return bucket
  }
}

type Branch<Instrument> = Map<string | number | null, Branch<Instrument> | Instrument>

/** The series of one metric, found by their attributes without making a key of these. */
export class SeriesTable<Instrument extends Counter | Histogram> {
  readonly #make: () => Instrument
  readonly #depth: number
  readonly #root: Branch<Instrument> = new Map()
  readonly #all: { readonly values: AttributeValues; readonly instrument: Instrument }[] = []
  #overflow: Instrument | undefined = undefined

  /** @param depth - how many attributes the metric has */
  constructor(depth: number, make: () => Instrument) {
    this.#depth = depth
    this.#make = make
  }

  /** The series of these values of the attributes; made at the first time. */
  of(values: AttributeValues): Instrument {
    let branch: Branch<Instrument> = this.#root
    for (let index = 0; index + 1 < this.#depth; index += 1) {
      const value = values[index] ?? null
      let next = branch.get(value) as Branch<Instrument> | undefined
      if (next === undefined) {
        if (this.#all.length >= maxSeries) return this.#overflowing()
        next = new Map()
        branch.set(value, next)
      }
      branch = next
    }
    const last = values[this.#depth - 1] ?? null
    const found = branch.get(last) as Instrument | undefined
    if (found !== undefined) return found
    if (this.#all.length >= maxSeries) return this.#overflowing()
    const instrument = this.#make()
    branch.set(last, instrument)
    this.#all.push({ values: [...values], instrument })
    return instrument
  }

  get snapshot(): {
    values: AttributeValues
    isOverflow?: boolean
    value: number | HistogramValue
  }[] {
    const series = this.#all.map(({ values, instrument }) => ({ values, value: instrument.value }))
    if (this.#overflow === undefined) return series
    return [...series, { values: [], isOverflow: true, value: this.#overflow.value }]
  }

  #overflowing(): Instrument {
    this.#overflow ??= this.#make()
    return this.#overflow
  }
}
