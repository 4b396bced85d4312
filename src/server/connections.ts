import type { Socket } from 'node:net'
import type { Directory } from '../registry/directory.ts'
import type { Entry } from '../registry/entry.ts'
import type { Registry } from '../registry/registry.ts'
import { connectionKind } from './kinds.ts'

const registration = Symbol('registration')
/** A socket that knows its entry: a table of sockets would cost more, and there may be very many. */
type RegisteredSocket = Socket & { [registration]?: Entry<Socket> }

/** Refused sockets that may still be open while their client reads why; further ones are cut at once. */
const maxLingering = 256
const lingerMs = 2000

/**
 * The open sockets of a server, on all its listeners together, and no more of them than allowed. A socket is in the
 * registry from here until it closes.
 */
export class Connections {
  readonly #names: Directory<Socket>
  readonly max: number
  #lastNumber = 0
  #refused = 0
  #lingering = 0

  constructor(registry: Registry, max: number) {
    this.#names = registry.of(connectionKind)
    this.max = max
  }

  /** What a listener may hold open, whatever happens: with those that are being refused, or have shaken no hands yet. */
  get hardMax(): number {
    return this.max + maxLingering
  }

  get size(): number {
    return this.#names.size
  }
  /** How many were one too many. */
  get refused(): number {
    return this.#refused
  }

  /**
   * Takes a new socket in; false when there are as many as allowed.
   *
   * @param transport - how its name begins: `http`, `tcp`
   */
  open(socket: Socket, transport: string): boolean {
    if (this.#names.size >= this.max) return false
    this.#register(socket, transport)
    socket.on('close', forget)
    return true
  }

  /** The socket speaks another protocol from now on. */
  upgrade(socket: Socket, transport: string): void {
    const entry = (socket as RegisteredSocket)[registration]
    if (entry?.isRegistered !== true) return
    entry.unregister()
    this.#register(socket, transport)
  }

  /** What snapshots and dead letters call the connection. */
  nameOf(socket: Socket): string {
    return (socket as RegisteredSocket)[registration]?.name ?? 'unknown'
  }

  /** Says why there is no room for a socket, and closes it. */
  refuse(socket: Socket, answer: string): void {
    this.#refused++
    socket.on('error', () => {})
    if (this.#lingering >= maxLingering) {
      socket.destroy()
      return
    }
    this.#lingering++
    socket.once('close', () => {
      this.#lingering--
    })
    // What the client has sent is read and thrown away: closing over it would take the answer away from the client.
    socket.resume()
    socket.setTimeout(lingerMs, () => socket.destroy())
    socket.end(answer)
  }

  #register(socket: Socket, transport: string): void {
    const name = `${transport}/${++this.#lastNumber}`
    ;(socket as RegisteredSocket)[registration] = this.#names.register(name, socket)
  }
}

/** One listener for all sockets. */
function forget(this: RegisteredSocket): void {
  this[registration]?.unregister()
}
