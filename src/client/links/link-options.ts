/** How links are bounded. */
export interface LinkOptions {
  readonly maxMessageBytes: number
  readonly maxConnections: number
  readonly timeoutMs: number
}
