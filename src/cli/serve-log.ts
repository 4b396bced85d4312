import type { GatewayLogEntry } from '../gateway/gateway-log.ts'
import { HumanSink } from '../observability/logs/human-sink.ts'
import { Log, type Threshold } from '../observability/logs/log.ts'
import { type Io, note } from './io.ts'
import { gatewayLine } from './load-server.ts'
import type { ServeValues } from './settings.ts'

/** The log of a serving process, on stderr. What writes JSON is loaded only where that is asked for. */
export async function openLog(
  values: Pick<ServeValues, 'logFormat' | 'logLevel'>,
  io: Pick<Io, 'stderr'>,
): Promise<Log> {
  const level = values.logLevel as Threshold
  if (!isJsonLog(values)) return new Log(new HumanSink((line) => note(io, line)), level)
  const { JsonSink } = await import('../observability/logs/json-sink.ts')
  const sink = new JsonSink((line) => io.stderr.write(`${line}\n`), { pid: process.pid })
  return new Log(sink, level)
}

/** Whether the log is for programs. */
export function isJsonLog({ logFormat }: Pick<ServeValues, 'logFormat'>): boolean {
  return logFormat === 'json'
}

/** What happens to the upstreams of a gateway. */
export function sayUpstream(log: Log, entry: GatewayLogEntry): void {
  const level = entry.level === 'warning' ? 'warn' : entry.level
  log.write(level, gatewayLine(entry), { event: 'upstream', upstream: entry.upstream })
}
