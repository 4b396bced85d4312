export type RegistryOperation = 'look_up' | 'register' | 'unregister'

/** Measures what a registry does. Without one an operation pays one look at a member. */
export interface RegistryMeter {
  /** @returns when the operation begins, as `performance.now()` has it; 0 for one whose time is not taken */
  began(): number
  ended(operation: RegistryOperation, beganMs: number): void
}
