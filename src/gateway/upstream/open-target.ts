import type { Target } from '../../client/target.ts'
import { defaultEnvironment } from '../../transports/stdio/child-process.ts'
import type { UpstreamConfig } from '../config/gateway-config.ts'
import { limitedCommand } from '../process/limited-command.ts'
import type { OrphanGuard } from '../process/orphan-guard.ts'
import { ProcessGroup } from '../process/process-group.ts'

interface TargetHost {
  readonly guard: OrphanGuard
  /** Takes up the processes that are started. */
  readonly processes: Set<ProcessGroup>
  readonly maxMessageBytes: number
  onStderr(line: string): void
  onWarning(text: string): void
}

/** What a client connects to for an upstream. */
export async function targetOf(
  { target, limits }: UpstreamConfig,
  host: TargetHost,
): Promise<Target> {
  if (target.kind === 'url') {
    const { url, headers, transport } = target
    return { url, headers, ...(transport !== undefined && { transport }) }
  }
  if (target.kind === 'openapi') {
    const [{ readOpenApi }, { openApiServer }] = await Promise.all([
      import('../openapi/document.ts'),
      import('../openapi/openapi-server.ts'),
    ])
    return openApiServer(await readOpenApi(target.document), {
      baseUrl: target.url,
      headers: target.headers,
      onSkipped: ({ method, path, reason }) =>
        host.onWarning(`${method} ${path} is no tool: ${reason}`),
    })
  }
  const limited = limitedCommand(target, limits)
  if (limited === undefined) {
    host.onWarning('its limits are not kept: there is no prlimit (util-linux) on this machine')
  }
  return {
    channel: async (listener) => {
      const group = await ProcessGroup.start(
        {
          ...(limited ?? target),
          cwd: target.cwd,
          env: { ...defaultEnvironment(), ...target.env },
          guard: host.guard,
          maxMessageBytes: host.maxMessageBytes,
          onStderr: host.onStderr,
        },
        listener,
      )
      host.processes.add(group)
      void group.exited.then(() => listener.closed())
      return group
    },
  }
}
