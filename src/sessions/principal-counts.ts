import type { SessionRepository } from './session-repository.ts'

/**
 * How many sessions each principal has. Where sessions are kept, others may open and end them too: a count is then
 * taken from there when it is first needed, and again before somebody is refused for it.
 */
export class PrincipalCounts {
  readonly #counts = new Map<string, number>()
  readonly #repository: Pick<SessionRepository, 'countOf'> | undefined

  constructor(repository: Pick<SessionRepository, 'countOf'> | undefined) {
    this.#repository = repository
  }

  hasRoom(subject: string, max: number): boolean {
    if (this.#count(subject) < max) return true
    if (this.#repository === undefined) return false
    this.#counts.delete(subject)
    return this.#count(subject) < max
  }

  add(subject: string): void {
    this.#counts.set(subject, this.#count(subject) + 1)
  }

  remove(subject: string): void {
    const count = this.#counts.get(subject)
    if (count === undefined) return
    if (count > 1) this.#counts.set(subject, count - 1)
    else this.#counts.delete(subject)
  }

  /** Lets go of what can be counted anew. */
  forget(): void {
    if (this.#repository !== undefined) this.#counts.clear()
  }

  #count(subject: string): number {
    const known = this.#counts.get(subject)
    if (known !== undefined || this.#repository === undefined) return known ?? 0
    const counted = this.#repository.countOf(subject)
    this.#counts.set(subject, counted)
    return counted
  }
}
