import { type ErrorCode, McpError } from '../../protocol/errors.ts'
import { identityKey } from '../../protocol/principal.ts'
import type { AuthInfo } from '../../protocol/types.ts'
import { anyOf } from '../policy/grantee.ts'
import { type LimitScope, type LimitsDocument, listOf } from '../policy/policy-document.ts'
import { addressKey } from './address-key.ts'
import type { QuotaState } from './quota-file.ts'
import { QuotaTable } from './quota-table.ts'
import { RateTable, readRate } from './rate-table.ts'

/** What is counted. */
export interface Counted {
  /** Undefined for those without credentials: they are counted by their address. */
  readonly caller: Pick<AuthInfo, 'subject' | 'issuer'> | undefined
  readonly address: string | undefined
  readonly tool: string | undefined
  readonly roles: ReadonlySet<string>
}

/** A place among those that work at one time, to be given back. */
export interface Hold {
  release(): void
}

interface Scope {
  readonly per: LimitScope['per']
  readonly isForTool: ((tool: string) => boolean) | undefined
  readonly roles: ReadonlySet<string> | undefined
}
interface RateRule extends Scope {
  readonly table: RateTable
}
interface QuotaRule extends Scope {
  readonly id: string
  readonly table: QuotaTable
}
interface ConcurrencyRule extends Scope {
  readonly max: number
  readonly working: Map<string, number>
}

/** Callers that one limit keeps count of. */
const maxKeys = 100_000
const noRoles: ReadonlySet<string> = new Set()

/** The limits of a policy, with what has been used of them. */
export class Limits {
  /** Counted when a request arrives, before it is known who sends it. */
  readonly #atTheDoor: readonly RateRule[]
  readonly #rates: readonly RateRule[]
  readonly #quotas: readonly QuotaRule[]
  readonly #concurrency: readonly ConcurrencyRule[]
  /** Something has been used of a quota since this was set to false. */
  hasNews = false

  /** @param used - what was used of the quotas before */
  constructor(document: LimitsDocument = {}, used: QuotaState = {}) {
    const rates = (document.rates ?? []).map((rule) => ({
      ...scopeOf(rule),
      table: new RateTable(readRate(rule.rate, rule.burst), maxKeys),
    }))
    this.#atTheDoor = rates.filter(isForAddressAlone)
    this.#rates = rates.filter((rule) => !isForAddressAlone(rule))
    this.#quotas = (document.quotas ?? []).map((rule) => {
      const id = JSON.stringify(rule)
      const table = new QuotaTable(rule.max, rule.period, maxKeys)
      if (Object.hasOwn(used, id)) table.restore(used[id] ?? [])
      return { ...scopeOf(rule), id, table }
    })
    this.#concurrency = (document.concurrency ?? []).map((rule) => ({
      ...scopeOf(rule),
      max: rule.max,
      working: new Map(),
    }))
  }

  /** Counts what has arrived from an address. @throws McpError RATE_LIMITED */
  arrive(address: string | undefined, nowMs: number): void {
    if (this.#atTheDoor.length === 0 || address === undefined) return
    const key = addressKey(address)
    for (const { table } of this.#atTheDoor) refuseFor(table.take(key, nowMs), 'RATE_LIMITED')
  }

  /**
   * Counts a request.
   *
   * @param isAtTheDoor - `arrive` has counted it already
   * @returns what must be released when the request is over; undefined where nothing must be
   * @throws McpError RATE_LIMITED or QUOTA_EXCEEDED
   */
  take(counted: Counted, isAtTheDoor: boolean, nowMs: number): Hold[] | undefined {
    if (!isAtTheDoor) this.arrive(counted.address, nowMs)
    for (const rule of this.#rates) {
      if (applies(rule, counted)) {
        refuseFor(rule.table.take(keyOf(rule, counted), nowMs), 'RATE_LIMITED')
      }
    }
    const holds = this.#enter(counted)
    for (const rule of this.#quotas) {
      if (!applies(rule, counted)) continue
      const waitMs = rule.table.take(keyOf(rule, counted), nowMs)
      this.hasNews = true
      if (waitMs === 0) continue
      releaseAll(holds)
      refuseFor(waitMs, 'QUOTA_EXCEEDED')
    }
    return holds
  }

  #enter(counted: Counted): Hold[] | undefined {
    let holds: Hold[] | undefined
    for (const rule of this.#concurrency) {
      if (!applies(rule, counted)) continue
      const key = keyOf(rule, counted)
      const { working, max } = rule
      const count = working.get(key) ?? 0
      if (count >= max) {
        releaseAll(holds)
        throw limited('RATE_LIMITED', 1000, `Too many requests at a time: ${max} are allowed`)
      }
      working.set(key, count + 1)
      holds ??= []
      holds.push(new Place(working, key))
    }
    return holds
  }

  /** What has been used of the quotas. */
  used(): QuotaState {
    return Object.fromEntries(this.#quotas.map(({ id, table }) => [id, table.entries()]))
  }

  sweep(nowMs: number): void {
    for (const { table } of this.#atTheDoor) table.sweep(nowMs)
    for (const { table } of this.#rates) table.sweep(nowMs)
  }
}

class Place implements Hold {
  readonly #working: Map<string, number>
  readonly #key: string

  constructor(working: Map<string, number>, key: string) {
    this.#working = working
    this.#key = key
  }

  release(): void {
    const count = this.#working.get(this.#key) ?? 0
    if (count > 1) this.#working.set(this.#key, count - 1)
    else this.#working.delete(this.#key)
  }
}

export function releaseAll(holds: readonly Hold[] | undefined): void {
  if (holds !== undefined) for (const hold of holds) hold.release()
}

function scopeOf({ per, tools, roles }: LimitScope): Scope {
  return {
    per,
    isForTool: tools === undefined ? undefined : anyOf(tools),
    roles: roles === undefined ? undefined : new Set(listOf(roles)),
  }
}

function isForAddressAlone({ per, isForTool, roles }: Scope): boolean {
  return per === 'address' && isForTool === undefined && roles === undefined
}

function applies({ per, isForTool, roles }: Scope, counted: Counted): boolean {
  const { tool } = counted
  if (per === 'tool' && tool === undefined) return false
  if (isForTool !== undefined && (tool === undefined || !isForTool(tool))) return false
  if (roles === undefined) return true
  for (const role of counted.roles ?? noRoles) if (roles.has(role)) return true
  return false
}

function keyOf({ per }: Scope, { caller, address, tool }: Counted): string {
  switch (per) {
    case 'identity':
      // A subject cannot pass for an address: subjects of tokens are anything.
      return caller === undefined ? `@${addressKey(address)}` : `=${identityKey(caller)}`
    case 'address':
      return addressKey(address)
    case 'tool':
      return tool ?? ''
    case 'server':
      return ''
  }
}

function refuseFor(waitMs: number, code: 'RATE_LIMITED' | 'QUOTA_EXCEEDED'): void {
  if (waitMs > 0) throw limited(code, waitMs)
}

function limited(code: ErrorCode, waitMs: number, message?: string): McpError {
  const seconds = Math.ceil(waitMs / 1000)
  return new McpError(code, message, {
    data: { retryAfterMs: Math.ceil(waitMs) },
    headers: ['retry-after', String(seconds)],
  })
}
