import type { Fields, Level, Log } from '../observability/logs/log.ts'
import { bannerLines, type Listening, listeningEvent, stoppingLine } from './banner.ts'
import { type Io, print } from './io.ts'
import { isJsonLog } from './serve-log.ts'
import type { ServeValues } from './settings.ts'

/** What `serve` says of itself: records of the log or, with --json, an object for each thing that happens. */
export class Announcements {
  readonly #values: ServeValues & { readonly json: boolean }
  readonly #io: Io
  readonly #log: Log

  constructor(values: ServeValues & { readonly json: boolean }, io: Io, log: Log) {
    this.#values = values
    this.#io = io
    this.#log = log
  }

  /** @param details - further members of the object */
  say(event: string, line: string, details: Fields = {}, level: Level = 'info'): void {
    if (this.#values.json) print(this.#io, JSON.stringify({ event, ...details }))
    else this.#log.write(level, line, { event, ...details })
  }

  /** Something that is no event of its own, so that it is in the log in any case. */
  complain(line: string, details: Record<string, string | number> = {}): void {
    this.#log.write('error', line, details)
  }

  /** It listens. @param remark - a line more, for people; @param details - further members of the object */
  listening(listening: Listening, remark?: string, details: Fields = {}): void {
    const event: Fields = { ...listeningEvent(listening), ...details }
    if (this.#values.json) {
      print(this.#io, JSON.stringify(event))
      return
    }
    // A program that reads the log has no use for a banner on the other stream.
    if (isJsonLog(this.#values)) {
      this.#log.write('info', `listening on ${listening.url}`, event)
      return
    }
    for (const line of bannerLines(listening)) print(this.#io, line)
    if (remark !== undefined) this.#log.write('info', remark)
  }

  stopping(): void {
    this.say('stopping', stoppingLine(this.#values.drainMs))
  }
}
