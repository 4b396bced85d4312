import type { TestContext } from 'node:test'
import type { EngineOptions } from '../../src/server/engine.ts'
import { connectInMemory } from '../../src/server/in-memory.ts'
import type { Servable } from '../../src/server/service.ts'
import { initialize, type Message, metaOf, notification, request } from './messages.ts'

/** The client's side of a connection that carries messages both ways. */
export class Peer {
  /** All that has arrived. */
  readonly received: Message[] = []
  readonly #write: (message: object) => void
  readonly #answers = new Map<unknown, (message: Message) => void>()
  readonly #others: Message[] = []
  readonly #waiting: ((message: Message) => void)[] = []
  /** Makes the `_meta` of each request; undefined in the stateful era. */
  #meta: ((extra: object) => object) | undefined
  #nextId = 1

  constructor(write: (message: object) => void) {
    this.#write = write
  }

  /** Speaks 2026-07-28 from here on. */
  goStateless(capabilities: object = {}, extra: object = {}): this {
    this.#meta = (more) => metaOf(capabilities, { ...extra, ...more })
    return this
  }

  /** Shakes hands in a stateful revision. */
  async open(version: string, capabilities: object = {}): Promise<Message> {
    this.#meta = undefined
    this.#write(initialize(version, capabilities, 'hello'))
    const answer = await this.answerTo('hello')
    this.#write(notification('notifications/initialized'))
    return answer
  }

  receive(message: Message): void {
    this.received.push(message)
    if (message.method !== undefined) {
      const waiting = this.#waiting.shift()
      if (waiting === undefined) this.#others.push(message)
      else waiting(message)
      return
    }
    this.#answers.get(message.id)?.(message)
  }

  send(message: object): void {
    this.#write(message)
  }

  notify(method: string, params?: object): void {
    this.#write(notification(method, params))
  }

  answerTo(id: unknown): Promise<Message> {
    return new Promise((resolve) => this.#answers.set(id, resolve))
  }

  /** Sends a request and gives its response. */
  request(
    method: string,
    params: object = {},
    { id = this.#nextId++, meta = {} }: { id?: string | number; meta?: object } = {},
  ): Promise<Message> {
    const answer = this.answerTo(id)
    const _meta = this.#meta?.(meta) ?? (Object.keys(meta).length > 0 ? meta : undefined)
    this.#write(request(method, _meta === undefined ? params : { ...params, _meta }, id))
    return answer
  }

  /** The next message that is no response. */
  next(): Promise<Message> {
    const message = this.#others.shift()
    if (message !== undefined) return Promise.resolve(message)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** What has arrived beside responses once everything sent so far is dealt with. */
  async settled(): Promise<Message[]> {
    await this.request('tools/list')
    return this.#others.splice(0)
  }
}

/** A client in the same process, closed at the end of the test. */
export async function connectPeer(
  t: TestContext,
  server: Servable,
  options: EngineOptions = {},
): Promise<Peer> {
  const transport = connectInMemory(server, options)
  const peer = new Peer((message) => void transport.send(message))
  transport.onmessage = (message) => peer.receive(message as Message)
  await transport.start()
  t.after(() => transport.close())
  return peer
}

/** A client of a stateful revision in the same process. */
export async function connectStateful(
  t: TestContext,
  server: Servable,
  version = '2025-11-25',
  capabilities: object = {},
): Promise<Peer> {
  const peer = await connectPeer(t, server)
  await peer.open(version, capabilities)
  return peer
}

/** A client of 2026-07-28 in the same process. @param meta - further members of each `_meta` */
export async function connectStateless(
  t: TestContext,
  server: Servable,
  capabilities: object = {},
  meta: object = {},
): Promise<Peer> {
  return (await connectPeer(t, server)).goStateless(capabilities, meta)
}

/** A client of any revision. */
export function connectAs(
  t: TestContext,
  server: Servable,
  version: string,
  capabilities: object = {},
): Promise<Peer> {
  return version === '2026-07-28'
    ? connectStateless(t, server, capabilities)
    : connectStateful(t, server, version, capabilities)
}
