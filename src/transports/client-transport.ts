/** The client's end of a connection: the shape that the official clients take as a transport. */
export interface ClientTransport {
  start(): Promise<void>
  send(message: object): Promise<void>
  close(): Promise<void>
  onmessage?(message: unknown): void
  onclose?(): void
  onerror?(error: Error): void
}
