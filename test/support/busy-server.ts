import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Context, defineServer } from '../../src/index.ts'
import { Engine, type EngineOptions } from '../../src/server/engine.ts'
import { type Service, service } from '../../src/server/service.ts'
import { formSchema } from './fixture-server.ts'

/** The tools of {@link BusyServer}: each comes to its end in another way. */
export const busyTools = [
  'quick',
  'later',
  'holds',
  'obeys',
  'speaks',
  'asks',
  'asksTwo',
  'throws',
  'hangsUp',
  'nosuch',
] as const

/**
 * A server that is kept for many clients who come and go, and what is left of them: of each request and session only a
 * weak reference is kept here.
 */
export class BusyServer {
  readonly engine: Engine
  readonly errors: unknown[] = []
  /** Subscriptions to single resources, of whomever. */
  watched = 0
  readonly #server = defineServer({
    name: 'busy',
    version: '1',
    onError: (error) => this.errors.push(error),
  })
  readonly #waiting = new Set<() => void>()
  readonly #seen: WeakRef<object>[] = []
  readonly #known = new WeakSet<object>()
  #changes = 0

  constructor(options: EngineOptions = {}) {
    this.#addTools()
    for (const name of ['a', 'b']) this.#server.resource(`docs://${name}`, {}, () => name)
    const watching: Service = Object.create(this.#server[service], {
      watchResource: {
        value: (_uri: string, isWatched: boolean) => {
          this.watched += isWatched ? 1 : -1
        },
      },
    })
    this.engine = new Engine(watching, options)
  }

  /** Something to look for when all is over. */
  see(value: object): void {
    if (this.#known.has(value)) return
    this.#known.add(value)
    this.#seen.push(new WeakRef(value))
  }

  /** How many requests and sessions there were. */
  get seen(): number {
    return this.#seen.length
  }

  seeSessions(): void {
    for (const session of this.engine.sessions) this.see(session)
  }

  /** Lets all handlers that wait go on. */
  release(): void {
    for (const goOn of this.#waiting) goOn()
    this.#waiting.clear()
  }

  changeList(): void {
    this.#changes += 1
    this.#server.tool(`more_${this.#changes}`, {}, () => 'x').remove()
  }

  updateResource(): void {
    this.#server.resourceUpdated('docs://a')
  }

  /** What is left of clients that have gone, by the engine's own counters. */
  get left(): Record<string, number> {
    const { admission, running, sessions, subscriptions } = this.engine
    return {
      admitted: admission.running,
      running,
      sessions: sessions.size,
      subscriptions: subscriptions.size,
      watched: this.watched,
    }
  }

  /** How many of the requests and sessions ever seen are still in memory. */
  async inMemory(): Promise<number> {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    let alive = this.#seen.length
    // What was just let go may still be on the stack, or in a queue.
    for (let round = 0; alive > 0 && round < 20; round += 1) {
      await delay(10)
      collect()
      alive = this.#seen.filter((each) => each.deref() !== undefined).length
    }
    return alive
  }

  /** Until it is released, or its request has come to an end. */
  async #held({ signal }: Context): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.add(resolve)
    signal.addEventListener('abort', () => resolve(), { once: true })
    if (signal.aborted) resolve()
    await promise
    this.#waiting.delete(resolve)
  }

  #tool(name: string, run: (context: Context) => string | Promise<string>): void {
    this.#server.tool(name, {}, (_args, context) => {
      this.see(context)
      return run(context)
    })
  }

  #addTools(): void {
    this.#tool('quick', () => 'quick')
    this.#tool('later', async () => {
      await turn()
      return 'later'
    })
    // Deaf to its signal.
    this.#tool('holds', async () => {
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
      return 'held'
    })
    this.#tool('obeys', async (context) => {
      await this.#held(context)
      context.signal.throwIfAborted()
      return 'obeyed'
    })
    this.#tool('speaks', async (context) => {
      context.progress(1)
      context.log('info', 'one')
      await this.#held(context)
      context.progress(2)
      context.log('info', 'two')
      return 'spoken'
    })
    this.#tool('asks', async ({ elicit }) => {
      const { action } = await elicit({ key: 'a', message: 'A?', schema: formSchema })
      return action
    })
    this.#tool('asksTwo', async ({ elicit, roots }) => {
      const [{ action }, folders] = await Promise.all([
        elicit({ key: 'b', message: 'B?', schema: formSchema }),
        roots({ key: 'roots' }),
      ])
      return `${action} ${folders.length}`
    })
    this.#tool('throws', async () => {
      await turn()
      throw new Error('thrown')
    })
    this.#tool('hangsUp', async (context) => {
      context.progress(1)
      context.closeStream(1)
      await this.#held(context)
      return 'hung up'
    })
  }
}

/** Waits until a condition holds; false when it does not come to hold. */
export async function comesTrue(condition: () => boolean, rounds = 400): Promise<boolean> {
  for (let round = 0; round < rounds; round += 1) {
    if (condition()) return true
    await (round < 100 ? turn() : delay(10))
  }
  return condition()
}

/** Timers that keep the process alive, now. */
export function timers(): number {
  return process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length
}
