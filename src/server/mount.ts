import type { MountOptions } from './mount-options.ts'
import type { SdkServer } from './relay.ts'
import type { Servable } from './service.ts'

export type { MountOptions } from './mount-options.ts'
export type { SdkServer } from './relay.ts'

/**
 * Serves a server of the official SDK, v1 or v2, unchanged: on every transport and in every revision that tsmcp has.
 *
 * @param server - a server that is not connected yet, which all clients then share; or a function that makes one, which
 *   is called for each session, and once for all stateless requests
 * @throws what the server's `connect` throws
 * @example
 * export default await mount(new McpServer({ name: 'legacy', version: '1.0.0' }))
 */
export async function mount(
  server: SdkServer | (() => SdkServer | Promise<SdkServer>),
  options: MountOptions = {},
): Promise<Servable> {
  // Most programs mount nothing, and need not load what it takes.
  const { mountedService } = await import('./mounted-service.ts')
  return mountedService(server, options)
}
