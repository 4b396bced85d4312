/** Work in one process and on one core, measured in batches. */
export interface Loop {
  /** Makes ready what one batch needs. Not measured. */
  prepare(): void
  /** One batch. @returns how many operations it was */
  run(): number
}

/** Makes a loop that works on so many things. */
export type LoopMaker = (size: number) => Loop
