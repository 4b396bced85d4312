import type { Survives } from './database-file.ts'
import type { OtherRuns } from './runs.ts'
import type { StatementName, Value } from './statements.ts'

/** What the thread that writes is started with. */
export interface WriterData {
  readonly folder: string
  readonly survives: Survives
}

/** Statements and their values in turn: one array is cheaper to send than an object for each. */
export type Batch = (StatementName | readonly Value[])[]

/** What is too old, for the writer to clear away: milliseconds since 1970 before which it has happened. */
export interface SweepOrder {
  readonly nowMs: number
  readonly seenBeforeMs: number
  readonly openedBeforeMs: number
  readonly loggedBeforeMs: number
}

export type ToWriter =
  | { readonly kind: 'write'; readonly batch: Batch }
  | { readonly kind: 'sweep'; readonly order: SweepOrder }
  | { readonly kind: 'close' }

/** How many there are. */
export interface Counts {
  readonly sessions: number
  readonly tasks: number
}

export type FromWriter =
  | {
      readonly kind: 'ready'
      readonly run: number
      readonly greatestKey: number
      readonly others: OtherRuns
      readonly counts: Counts
    }
  | { readonly kind: 'refused'; readonly message: string }
  /** The whole batch is kept, but for those statements that are against a rule of the schema, by their place. */
  | { readonly kind: 'kept'; readonly broken: readonly Broken[] }
  /** Nothing of the batch is kept. */
  | { readonly kind: 'failed'; readonly message: string }
  | {
      readonly kind: 'swept'
      readonly others: OtherRuns
      /** Sessions that have been ended. */
      readonly ended: number
      /** Now and then. */
      readonly counts: Counts | undefined
    }
  | { readonly kind: 'closed' }

/** A statement that could not be carried out. */
export interface Broken {
  readonly place: number
  readonly message: string
}
