import { Sweep } from '../internal/sweep.ts'
import { extensionId } from '../protocol/extensions.ts'
import { encodeNotification } from '../protocol/json-rpc.ts'
import type { ServerCapabilities, Tool } from '../protocol/types.ts'
import { defineKind } from '../registry/kind.ts'
import { Registry } from '../registry/registry.ts'
import { serverKind } from '../server/kinds.ts'
import { RequestStateCodec } from '../server/request-state.ts'
import { ResultEncoder } from '../server/result.ts'
import { type Change, type Servable, type Service, service } from '../server/service.ts'
import type { Session } from '../sessions/session.ts'
import type { GatewayConfig, UpstreamConfig } from './config/gateway-config.ts'
import { expose, type Held } from './exposure.ts'
import type { GatewayLog } from './gateway-log.ts'
import { gatewayMethods } from './gateway-methods.ts'
import { approvalOf, type LockedTools } from './lock/lock.ts'
import { Offer } from './offer.ts'
import { OrphanGuard } from './process/orphan-guard.ts'
import type { UpstreamStatus } from './upstream/status.ts'
import { Upstream, type UpstreamEvents } from './upstream/upstream.ts'

export interface GatewayOptions {
  /** Told of what happens to upstreams, and what they write to stderr. */
  readonly log: GatewayLog
  /** The approved tools; without them all are. */
  readonly locked?: LockedTools | undefined
  /** Milliseconds for calls to end at an upstream that is replaced or removed. Default 30,000. */
  readonly drainMs?: number
  /** Milliseconds for which a list waits for upstreams that have not been there yet. Default 10,000. */
  readonly listWaitMs?: number
}

/** All that an operator sees. */
export interface GatewayStatus {
  readonly upstreams: readonly UpstreamStatus[]
  readonly held: readonly Held[]
}

const sweepIntervalMs = 1000
const handlerTimeoutMs = 300_000

const upstreamKind = defineKind<Upstream>('upstream', {
  describe: (upstream) => {
    const { state, reason, restarts, connections, running, pids, tools } = upstream.status()
    return {
      state,
      reason: reason ?? '',
      restarts,
      connections,
      running,
      pids: pids.join(' '),
      tools,
    }
  },
})

/** Always all: an upstream that is added later may need any of them, and sessions do not negotiate twice. */
const capabilities: ServerCapabilities = {
  tools: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  prompts: { listChanged: true },
  completions: {},
  logging: {},
  tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } },
  extensions: { [extensionId.tasks]: {} },
}

/**
 * Many MCP servers behind one: they are started, supervised and spoken to as the configuration says, and served as one
 * service with all that the engine has. The root of the supervision tree: one for one, as upstreams know nothing of one
 * another.
 */
export class Gateway implements Servable {
  readonly [service]: Service
  readonly #options: GatewayOptions
  readonly #guard = new OrphanGuard()
  readonly #sweep: Sweep
  readonly #registry: Registry
  readonly #offer: Offer
  readonly #listeners = new Set<(change: Change) => void>()
  readonly #upstreams = new Map<string, Upstream>()
  /** Those that take the place of another one once they run. */
  readonly #successors = new Map<string, Upstream>()
  /** Those that are on their way out. */
  readonly #leaving = new Set<Promise<void>>()
  #locked: LockedTools | undefined
  #held: readonly Held[] = []
  #listing: Promise<void> | undefined
  #isUpdating = false
  #closing: Promise<void> | undefined

  constructor(config: GatewayConfig, options: GatewayOptions) {
    this.#options = options
    this.#locked = options.locked
    const info = { name: config.name, version: config.version }
    const onError = (error: unknown): void => {
      const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
      options.log({ level: 'error', text })
    }
    this.#registry = new Registry(onError)
    this.#registry.of(serverKind).register(info.name, info)
    this.#offer = new Offer(this.#registry, config.pageSize)
    this.#sweep = new Sweep(sweepIntervalMs, onError)
    const encoder = new ResultEncoder(info, { ttlMs: 0, cacheScope: 'private' })
    const host = {
      offer: this.#offer,
      encoder,
      whenListed: () => this.#whenListed(),
    }
    const methods = gatewayMethods(host)
    const instructions = () => this.#instructions()
    this[service] = {
      info,
      get instructions() {
        return instructions()
      },
      registry: this.#registry,
      capabilities: () => capabilities,
      methods,
      encoder,
      requestState: new RequestStateCodec(),
      maxQuestions: 100,
      handlerTimeoutMs,
      logging: true,
      onError: (error, context) => {
        const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
        options.log({ level: 'error', text: `${context?.method ?? 'inside'}: ${what}` })
      },
      onChange: (listener) => {
        this.#listeners.add(listener)
        return () => this.#listeners.delete(listener)
      },
      watchResource: (uri, isWatched, session) => {
        if (isWatched) this.#watch(uri, session)
        else for (const upstream of this.#upstreams.values()) upstream.unwatch(uri, session)
      },
      sessionEnded: (session) => {
        for (const upstream of this.#upstreams.values()) upstream.sessionEnded(session)
      },
      rootsChanged: (session) => {
        for (const upstream of this.#upstreams.values()) upstream.rootsChanged(session)
      },
    }
    this.#offer.tools.onChange(() => this.#announce({ list: 'tools' }))
    this.#offer.prompts.onChange(() => this.#announce({ list: 'prompts' }))
    this.#offer.resources.onChange(() => this.#announce({ list: 'resources' }))
    this.#offer.templates.onChange(() => this.#announce({ list: 'resources' }))
    this.#sweep.add((nowMs) => {
      for (const upstream of this.#upstreams.values()) upstream.sweep(nowMs)
    })
    for (const each of config.upstreams) this.#enter(this.#make(each))
  }

  status(): GatewayStatus {
    return {
      upstreams: [...this.#upstreams.values()].map((upstream) => upstream.status()),
      held: this.#held,
    }
  }

  /** The tools of each upstream that is known, in its own names; what is held back is among them. */
  tools(): Map<string, readonly Tool[]> {
    const known = [...this.#upstreams].filter(([, { isKnown }]) => isKnown)
    return new Map(known.map(([name, { catalogue }]) => [name, catalogue.tools]))
  }

  /** Settles when each upstream is known, or could not be started, or it takes too long. */
  async ready(): Promise<void> {
    await this.#whenListed()
  }

  /** Approves other tools from now on. */
  relock(locked: LockedTools | undefined): void {
    this.#locked = locked
    this.#updateNow()
  }

  /**
   * Serves another configuration from now on: upstreams come, go, or are replaced, without a session or a call in
   * flight being dropped. One that is replaced serves until the new one runs, or could not be started.
   *
   * @returns when all that is new runs or has failed; what is old may still be finishing its calls
   */
  async reload(config: GatewayConfig): Promise<void> {
    const wanted = new Map(config.upstreams.map((each) => [each.name, each]))
    for (const [name, upstream] of this.#upstreams) {
      if (!wanted.has(name)) this.#leave(upstream)
    }
    for (const [name, successor] of this.#successors) {
      if (!isSameConfig(successor.config, wanted.get(name))) {
        this.#successors.delete(name)
        this.#end(successor)
      }
    }
    const starting: Promise<void>[] = []
    for (const each of config.upstreams) {
      const present = this.#upstreams.get(each.name)
      if (present === undefined) this.#enter(this.#make(each))
      else if (!isSameConfig(present.config, each) && !this.#successors.has(each.name)) {
        starting.push(this.#replace(each))
      }
    }
    this.#update()
    await Promise.all(starting)
    await this.#whenListed()
  }

  /** Ends all upstreams; calls in flight are given `drainMs`. Idempotent. */
  close(drainMs = 0): Promise<void> {
    this.#closing ??= this.#close(drainMs)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(drainMs: number): Promise<void> {
    this.#sweep.stop()
    const all = [...this.#upstreams.values(), ...this.#successors.values()]
    await Promise.all([...all.map((upstream) => upstream.close(drainMs)), ...this.#leaving])
    this.#guard.close()
  }

  // Upstreams come and go.

  #make(config: UpstreamConfig): Upstream {
    const events: UpstreamEvents = {
      catalogueChanged: () => this.#update(),
      resourceUpdated: (uri, session) => {
        if (session === undefined) this.#announce({ resource: uri })
        else if (session.subscriptions?.has(uri)) {
          session.outlet?.send(encodeNotification('notifications/resources/updated', { uri }))
        }
      },
    }
    return new Upstream(config, { log: this.#options.log, guard: this.#guard, events })
  }

  #enter(upstream: Upstream): void {
    const { name } = upstream
    this.#upstreams.set(name, upstream)
    const names = this.#registry.of(upstreamKind)
    names.unregister(name)
    names.register(name, upstream)
    this.#listing = undefined
    upstream.start()
  }

  #leave(upstream: Upstream): void {
    this.#upstreams.delete(upstream.name)
    this.#registry.of(upstreamKind).unregister(upstream.name)
    this.#offer.forget(upstream)
    this.#options.log({ level: 'info', upstream: upstream.name, text: 'is removed' })
    this.#end(upstream)
  }

  #end(upstream: Upstream): void {
    const leaving = upstream.close(this.#options.drainMs ?? 30_000).catch((error: unknown) => {
      this.#options.log({ level: 'error', upstream: upstream.name, text: String(error) })
    })
    const left = leaving.finally(() => this.#leaving.delete(left))
    this.#leaving.add(left)
  }

  async #replace(config: UpstreamConfig): Promise<void> {
    const successor = this.#make(config)
    this.#successors.set(config.name, successor)
    // It has to show that it runs, whenever it is to start.
    await successor.learn()
    if (this.#successors.get(config.name) !== successor) return
    this.#successors.delete(config.name)
    const before = this.#upstreams.get(config.name)
    if (before === undefined || this.#closing !== undefined) {
      this.#end(successor)
      return
    }
    this.#enter(successor)
    this.#options.log({ level: 'info', upstream: config.name, text: 'is replaced' })
    // Names lead to the new one before the old one refuses anything.
    this.#updateNow()
    for (const { uri, session } of before.watches) successor.watch(uri, session)
    this.#offer.forget(before)
    this.#end(before)
  }

  #watch(uri: string, session: Session | undefined): void {
    const watch = (): void => this.#offer.ownerOf(uri)?.watch(uri, session)
    // The subscription is answered meanwhile.
    const listed = this.#whenListed()
    if (listed === undefined) watch()
    else void listed.then(watch)
  }

  // What is offered.

  /** Many changes of one turn are one. */
  #update(): void {
    if (this.#isUpdating) return
    this.#isUpdating = true
    setImmediate(() => {
      if (this.#isUpdating) this.#updateNow()
    })
  }

  #updateNow(): void {
    this.#isUpdating = false
    const upstreams = [...this.#upstreams.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
    const exposure = expose(upstreams, (name, tool) => approvalOf(this.#locked, name, tool))
    this.#offer.update(exposure)
    this.#sayHeld(exposure.held)
  }

  #sayHeld(held: readonly Held[]): void {
    const before = new Set(this.#held.map(keyOf))
    this.#held = held
    for (const each of held) {
      if (before.has(keyOf(each))) continue
      const text = `${each.kind} ${each.name} is held back: ${each.reason}`
      this.#options.log({ level: 'warning', upstream: each.upstream, text })
    }
  }

  #announce(change: Change): void {
    for (const listener of this.#listeners) listener(change)
  }

  /** Undefined once every upstream was given its chance. */
  #whenListed(): Promise<void> | undefined {
    if (this.#listing === undefined) {
      const unknown = [...this.#upstreams.values()].filter(({ isKnown }) => !isKnown)
      if (unknown.length === 0) {
        if (this.#isUpdating) this.#updateNow()
        return undefined
      }
      const learned = Promise.all(unknown.map((upstream) => upstream.learn()))
      const listing = within(learned, this.#options.listWaitMs ?? 10_000).then(() => {
        if (this.#isUpdating) this.#updateNow()
        this.#waited = listing
      })
      this.#listing = listing
    }
    return this.#waited === this.#listing ? undefined : this.#listing
  }
  #waited: Promise<void> | undefined

  #instructions(): string | undefined {
    const parts: string[] = []
    for (const { name, instructions, secrets } of this.#upstreams.values()) {
      if (instructions === undefined || instructions.trim() === '') continue
      parts.push(`# ${name}\n\n${secrets.text(instructions.trim()).slice(0, maxInstructions)}`)
    }
    return parts.length === 0 ? undefined : parts.join('\n\n').slice(0, maxInstructions * 4)
  }
}

/** Characters of the instructions of one upstream. */
const maxInstructions = 8000

function keyOf({ upstream, kind, name, reason }: Held): string {
  return JSON.stringify([upstream, kind, name, reason])
}

function isSameConfig(one: UpstreamConfig, other: UpstreamConfig | undefined): boolean {
  return other !== undefined && fingerprint(one) === fingerprint(other)
}

function fingerprint({ rename, ...config }: UpstreamConfig): string {
  // Infinity is null in JSON, which no setting is else.
  return JSON.stringify([config, [...rename]])
}

async function within(work: Promise<unknown>, waitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, waitMs)
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}
