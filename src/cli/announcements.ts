import { bannerLines, type Listening, listeningEvent, stoppingLine } from './banner.ts'
import { type Io, note, print } from './io.ts'
import type { ServeValues } from './settings.ts'

/** What `serve` says of itself: lines for people or, with --json, an object for each thing that happens. */
export class Announcements {
  readonly #values: ServeValues & { readonly json: boolean }
  readonly #io: Io

  constructor(values: ServeValues & { readonly json: boolean }, io: Io) {
    this.#values = values
    this.#io = io
  }

  /** @param details - further members of the object */
  say(event: string, line: string, details: Record<string, unknown> = {}): void {
    if (this.#values.json) print(this.#io, JSON.stringify({ event, ...details }))
    else note(this.#io, line)
  }

  /** It listens. @param remark - a line more, for people; @param details - further members of the object */
  listening(listening: Listening, remark?: string, details: Record<string, unknown> = {}): void {
    if (this.#values.json) {
      print(this.#io, JSON.stringify({ ...listeningEvent(listening), ...details }))
      return
    }
    for (const line of bannerLines(listening)) print(this.#io, line)
    if (remark !== undefined) note(this.#io, remark)
  }

  stopping(): void {
    this.say('stopping', stoppingLine(this.#values.drainMs))
  }
}
