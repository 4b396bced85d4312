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
export function targetOf({ target, limits }: UpstreamConfig, host: TargetHost): Target {
  if (target.kind === 'url') {
    const { url, headers, transport } = target
    return { url, headers, ...(transport !== undefined && { transport }) }
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
