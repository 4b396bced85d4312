import type { Format } from '../report/format.ts'
import type { Sample } from '../samples.ts'
import type { Context } from '../workloads/context.ts'

/** What one measurement gives. */
export type Measured = Omit<Sample, 'round' | 'workload' | 'target'>

/** A row of the seed's table, made a workload that is defined, and measured at several sizes. */
export interface SeedWorkload {
  /** What samples and `--only` call it. */
  readonly name: string
  readonly title: string
  /** What is measured, exactly: it stands beside the figures. Markdown. */
  readonly definition: string
  /** What `sizes` count: names, items, connections. */
  readonly unit: string
  /** How cost grows is seen by measuring the same at these sizes. */
  readonly sizes: readonly number[]
  /** What the table shows of each size. */
  readonly columns: readonly {
    readonly value: string
    readonly label: string
    readonly format: Format
  }[]
  readonly bars: readonly SeedBar[]
  measure(context: Context, size: number): Promise<Measured>
}

/** What the seed claims, or the project demands, of one figure. */
export interface SeedBar {
  readonly claim: string
  readonly size: number
  readonly value: string
  readonly limit: number
  readonly isUpperLimit?: boolean
  /** Default: millions a second. */
  readonly format?: Format
}

/** The name of a size among the targets of samples. */
export const sizeName = (size: number): string => `n=${size}`
