import type { RestartLimits } from '../../internal/restarts.ts'
import type { RevisionName } from '../../protocol/revisions/index.ts'

/** How an upstream is reached. Variables are replaced. */
export type UpstreamTarget =
  | {
      readonly kind: 'command'
      readonly command: string
      readonly args: readonly string[]
      /** Beside the few variables that programs need to run. */
      readonly env: Readonly<Record<string, string>>
      readonly cwd: string
    }
  | {
      readonly kind: 'url'
      readonly url: string
      readonly headers: Readonly<Record<string, string>>
      /** Default: what the URL and the server say. */
      readonly transport: 'http' | 'sse' | undefined
    }
  | {
      readonly kind: 'openapi'
      /** The path of the document, and a hash of what it says: another is another upstream. */
      readonly document: string
      readonly digest: string
      /** Default: what the document says. */
      readonly url: string | undefined
      readonly headers: Readonly<Record<string, string>>
    }

/** What a child process may use; without a limit, what ours may. */
export interface ProcessLimits {
  readonly memoryMb?: number
  readonly cpuSeconds?: number
  readonly openFiles?: number
}

/** Who shares a connection, and with it a process, of an upstream. */
type Isolation = 'shared' | 'identity' | 'session'

/** One upstream, as the configuration has it. */
export interface UpstreamConfig {
  readonly name: string
  readonly target: UpstreamTarget
  /** Before the names of its tools and prompts. */
  readonly prefix: string
  /** New names of tools and prompts, before the prefix. */
  readonly rename: ReadonlyMap<string, string>
  /** Patterns of the tools that are offered, in the upstream's own names; `*` stands for anything. */
  readonly allow: readonly string[] | undefined
  /** Patterns of tools that are not offered even so. */
  readonly deny: readonly string[]
  /** What is offered beside tools. */
  readonly offers: { readonly resources: boolean; readonly prompts: boolean }
  readonly start: 'at-once' | 'on-demand'
  /** The revisions that it may be spoken to in; default: all, the newest first. */
  readonly revisions: readonly RevisionName[] | undefined
  /** Milliseconds without use after which a connection is closed; Infinity for never. */
  readonly idleStopMs: number
  readonly isolation: Isolation
  /** Connections, and so processes, at a time. */
  readonly maxConnections: number
  readonly limits: ProcessLimits
  /** Milliseconds for one request; Infinity: as long as the gateway gives it. */
  readonly callTimeoutMs: number
  /** Milliseconds for the start and handshake, and for which a call waits for it. */
  readonly startTimeoutMs: number
  /** Milliseconds without a sign of life after which it is pinged, and for the answer. */
  readonly probeIntervalMs: number
  readonly probeTimeoutMs: number
  readonly restarts: RestartLimits
  /** Milliseconds in quarantine after which one more start is tried. */
  readonly quarantineMs: number
  /** What must not be seen by anybody but this upstream. */
  readonly secrets: readonly string[]
}

/** A whole configuration file. */
export interface GatewayConfig {
  readonly name: string
  readonly version: string
  /** Items on a page of a list. */
  readonly pageSize: number
  readonly upstreams: readonly UpstreamConfig[]
}
