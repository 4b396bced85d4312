import type { Servable } from '../index.ts'
import type { Log } from '../observability/logs/log.ts'
import type { Observer } from '../server/observer.ts'
import { service } from '../server/service.ts'
import { openNodeTelemetry, openProcessTelemetry, type Place } from './serve-telemetry.ts'
import type { ServeValues } from './settings.ts'

/** What the only process of a node tells of itself. */
export interface ServingTelemetry {
  readonly observer: Observer
  /** Where else the node listens, by what that is called. */
  readonly others: Readonly<Record<string, string>>
  /** After the listeners have closed. */
  close(): Promise<void>
}

/** @throws CliError for settings that cannot be */
export async function openServingTelemetry(
  server: Servable,
  values: ServeValues,
  log: Log,
  place: Place,
): Promise<ServingTelemetry> {
  const node = await openNodeTelemetry(values, log, place, (level) => {
    log.level = level
  })
  try {
    const own = await openProcessTelemetry(server, values, log, place)
    node?.join(own)
    const { name, version } = server[service].info
    await node?.introduce(name, version)
    return {
      observer: own.observer,
      others: node?.adminUrl === undefined ? {} : { admin: node.adminUrl },
      close: async () => {
        await Promise.all([node?.close(), own.close()])
      },
    }
  } catch (error) {
    await node?.close()
    throw error
  }
}
