import { OwnedWebSocket } from '../../transports/web-socket-channel.ts'

/** A WebSocket that we open ourselves: it also tells whether that succeeds. */
export class DialledWebSocket extends OwnedWebSocket {
  readonly #opening = Promise.withResolvers<void>()

  /** Settles when it is open. Rejects with the reason when it will not be. */
  get opened(): Promise<void> {
    return this.#opening.promise
  }

  override emit(event: string | symbol, ...values: unknown[]): boolean {
    if (event === 'open') this.#opening.resolve()
    else if (event === 'error') this.#opening.reject(values[0])
    return super.emit(event, ...values)
  }
}
