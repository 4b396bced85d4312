/** Something that an operator should be able to read; secrets are not in it. */
export interface GatewayLogEntry {
  readonly level: 'debug' | 'info' | 'warning' | 'error'
  /** The upstream that it is about, if it is about one. */
  readonly upstream?: string
  readonly text: string
}

export type GatewayLog = (entry: GatewayLogEntry) => void
