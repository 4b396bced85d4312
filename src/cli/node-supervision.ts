import type { Log, Threshold } from '../observability/logs/log.ts'
import type { NodeTelemetry } from '../observability/node-telemetry.ts'
import { messageOf } from './cli-error.ts'
import type { Introduction } from './introspect.ts'
import type { ServeProcess, Supervision } from './serve-process.ts'
import { openNodeTelemetry, type Place } from './serve-telemetry.ts'
import type { ServeValues } from './settings.ts'

/** What a supervising process knows of the serving ones, for administrators, alerts and exporters. */
export class NodeSupervision implements Supervision {
  readonly #processes = new Set<ServeProcess>()
  readonly #log: Log
  #level: Threshold | undefined = undefined
  #node: NodeTelemetry | undefined = undefined

  private constructor(log: Log) {
    this.#log = log
  }

  /** @throws CliError for settings that cannot be */
  static async open(values: ServeValues, log: Log, place: Place): Promise<NodeSupervision> {
    const supervision = new NodeSupervision(log)
    supervision.#node = await openNodeTelemetry(values, log, place, (level) =>
      supervision.#setLogLevel(level),
    )
    return supervision
  }

  join(process: ServeProcess): () => void {
    this.#processes.add(process)
    if (this.#level !== undefined) process.logLevel = this.#level
    const leave = this.#node?.join(process)
    return () => {
      this.#processes.delete(process)
      leave?.()
    }
  }

  /** Where else the node listens, by what that is called. */
  get others(): Readonly<Record<string, string>> {
    const url = this.#node?.adminUrl
    return url === undefined ? {} : { admin: url }
  }

  /** It is known what is served. */
  get introduce(): (introduction: Introduction | undefined) => Promise<void> {
    return async (introduction) => {
      const { name = 'tsmcp', version = '' } = introduction ?? {}
      try {
        await this.#node?.introduce(name, version)
      } catch (error) {
        this.#log.write('error', `metrics are not sent: ${messageOf(error)}`)
      }
    }
  }

  async close(): Promise<void> {
    await this.#node?.close()
  }

  #setLogLevel(level: Threshold): void {
    this.#level = level
    this.#log.level = level
    for (const process of this.#processes) process.logLevel = level
  }
}
