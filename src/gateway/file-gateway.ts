import { WatchedFiles } from '../internal/watched-files.ts'
import { type Servable, type Service, service } from '../server/service.ts'
import type { Environment } from './config/expand.ts'
import type { GatewayConfig } from './config/gateway-config.ts'
import { GatewayFileError } from './config/gateway-file-error.ts'
import { readGatewayFile } from './config/read-gateway-file.ts'
import { Gateway, type GatewayOptions } from './gateway.ts'
import type { GatewayLog } from './gateway-log.ts'
import { lockPathOf, readLockFile } from './lock/lock-file.ts'

export interface FileGatewayOptions extends Omit<GatewayOptions, 'locked'> {
  /** For the variables in the file. */
  readonly env: Environment
  /** Follow changes of the file, and of its lock. Default true. */
  readonly watch?: boolean
}

/**
 * A gateway that is as its file says: it follows changes of the file and of its lock. One that is not valid is refused,
 * and the one before goes on.
 */
export class FileGateway implements Servable {
  readonly gateway: Gateway
  readonly [service]: Service
  readonly #path: string
  readonly #lockPath: string
  readonly #env: Environment
  readonly #log: GatewayLog
  readonly #watched: WatchedFiles | undefined
  #reloading: Promise<void> = Promise.resolve()

  /**
   * @param path - absolute
   * @throws GatewayFileError with line and reason
   */
  constructor(path: string, { env, watch = true, ...options }: FileGatewayOptions) {
    const startedAtMs = Date.now()
    this.#path = path
    this.#lockPath = lockPathOf(path)
    this.#env = env
    this.#log = options.log
    const config = readGatewayFile(path, env)
    this.gateway = new Gateway(config, { ...options, locked: readLockFile(this.#lockPath) })
    this[service] = this.gateway[service]
    if (!watch) return
    this.#watched = new WatchedFiles((changed) => this.#changed(changed))
    this.#watched.add([path, this.#lockPath, ...documentsOf(config)], startedAtMs)
  }

  /** Ends all upstreams; calls in flight are given `drainMs`. Idempotent. */
  async close(drainMs = 0): Promise<void> {
    this.#watched?.close()
    await this.gateway.close(drainMs)
  }

  #changed(path: string): void {
    this.#log({ level: 'info', text: `${path} has changed` })
    // Changes of both files at once are told as one, of the last of them.
    this.#reloading = this.#reloading.then(async () => {
      try {
        const config = readGatewayFile(this.#path, this.#env)
        this.gateway.relock(readLockFile(this.#lockPath))
        this.#watched?.add(documentsOf(config), Date.now())
        await this.gateway.reload(config)
        this.#log({ level: 'info', text: 'the new configuration is served' })
      } catch (error) {
        const why = error instanceof GatewayFileError ? error.message : String(error)
        this.#log({ level: 'error', text: `${why}: the configuration before goes on` })
      }
    })
  }
}

/** The OpenAPI documents of a configuration, which may change, too. */
function documentsOf({ upstreams }: GatewayConfig): string[] {
  return upstreams.flatMap(({ target }) => (target.kind === 'openapi' ? [target.document] : []))
}
