import { createRequire } from 'node:module'
import { isJsonObject } from '../../protocol/json-rpc.ts'
import type { AuthInfo } from '../../protocol/types.ts'
import { keyNameOf } from '../keys/key-name.ts'
import { type Access, dotSegment, openMethod } from './access.ts'
import { type Decision, DecisionCache } from './decision-cache.ts'
import { hasDotSegment, isOpenMethod, type TargetKind } from './operation.ts'
import { PolicyError } from './read-policy.ts'
import type { Authorizer } from './role-policy.ts'

type CedarValue = string | number | boolean | CedarValue[] | { [name: string]: CedarValue }
interface TypeAndId {
  type: string
  id: string
}
interface CedarError {
  message: string
  sourceLocations?: { start: number }[]
}

/** As much of `@cedar-policy/cedar-wasm/nodejs` as is used here: the package is optional, its types are not there either. */
interface Cedar {
  policySetTextToParts(
    text: string,
  ):
    | { type: 'success'; policies: string[]; policy_templates: string[] }
    | { type: 'failure'; errors: CedarError[] }
  policyToJson(
    policy: string,
  ): { type: 'success'; json: { annotations?: Record<string, string> } } | { type: 'failure' }
  preparsePolicySet(
    id: string,
    policies: { staticPolicies: Record<string, string> },
  ): { type: 'success' } | { type: 'failure'; errors: CedarError[] }
  statefulIsAuthorized(call: {
    principal: TypeAndId
    action: TypeAndId
    resource: TypeAndId
    context: Record<string, CedarValue>
    preparsedPolicySetId: string
    entities: { uid: TypeAndId; attrs: Record<string, CedarValue>; parents: TypeAndId[] }[]
  }):
    | {
        type: 'success'
        response: {
          decision: 'allow' | 'deny'
          diagnostics: {
            reason: string[]
            errors: { policyId: string; error: CedarError }[]
          }
        }
      }
    | { type: 'failure'; errors: CedarError[] }
}

const actions = {
  tool: 'call',
  resource: 'read',
  resourceTemplate: 'read',
  prompt: 'get',
  method: 'request',
} as const
const entityTypes = {
  tool: 'Tool',
  resource: 'Resource',
  resourceTemplate: 'ResourceTemplate',
  prompt: 'Prompt',
  method: 'Method',
} as const

const maxCallers = 10_000
let loaded = 0

/**
 * Policies in the Cedar language: `principal` is a `Caller` (or `Anonymous`) with its `scopes`, `claims`, `key` and
 * `certificate`; `action` is `Action::"call"` on a `Tool`, `"read"` on a `Resource` or `ResourceTemplate`, `"get"` on a
 * `Prompt`, `"request"` on a `Method`; each resource has its `name`.
 *
 * @throws PolicyError for what is not Cedar, or when the optional package `@cedar-policy/cedar-wasm` is not installed
 */
export async function loadCedarPolicy(text: string, name: string): Promise<Authorizer> {
  const cedar = load()
  const parts = cedar.policySetTextToParts(text)
  if (parts.type === 'failure') throw new PolicyError(describe(parts.errors, text, name))
  if (parts.policy_templates.length > 0) {
    throw new PolicyError([`${name}: templates are not supported`])
  }
  const staticPolicies: Record<string, string> = Object.create(null)
  for (const [index, policy] of parts.policies.entries()) {
    const json = cedar.policyToJson(policy)
    const given = json.type === 'success' ? json.json.annotations?.id : undefined
    const id = given ?? `policy ${index + 1}`
    if (id in staticPolicies) throw new PolicyError([`${name}: @id("${id}") is there twice`])
    staticPolicies[id] = policy
  }
  const id = `tsmcp ${++loaded}`
  const answer = cedar.preparsePolicySet(id, { staticPolicies })
  if (answer.type === 'failure') throw new PolicyError(describe(answer.errors, text, name))
  return new CedarPolicy(cedar, id, name)
}

function load(): Cedar {
  try {
    return createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs') as Cedar
  } catch (error) {
    const failure = new PolicyError([
      'A Cedar policy needs the package @cedar-policy/cedar-wasm: npm install @cedar-policy/cedar-wasm',
    ])
    failure.cause = error
    throw failure
  }
}

function describe(errors: readonly CedarError[], text: string, name: string): string[] {
  return errors.map(({ message, sourceLocations }) => {
    const start = sourceLocations?.[0]?.start
    if (start === undefined) return `${name}: ${message}`
    const before = Buffer.from(text).subarray(0, start).toString()
    return `${name}:${before.split('\n').length}: ${message}`
  })
}

class CedarPolicy implements Authorizer {
  readonly #cedar: Cedar
  readonly #id: string
  readonly #name: string
  readonly #byCaller = new WeakMap<AuthInfo, Access>()
  readonly #byAttributes = new Map<string, Access>()

  constructor(cedar: Cedar, id: string, name: string) {
    this.#cedar = cedar
    this.#id = id
    this.#name = name
  }

  accessOf(caller: AuthInfo | undefined): Access {
    if (caller === undefined) return this.#keep(undefined)
    let access = this.#byCaller.get(caller)
    if (access === undefined) {
      access = this.#keep(caller)
      this.#byCaller.set(caller, access)
    }
    return access
  }

  #keep(caller: AuthInfo | undefined): Access {
    const uid =
      caller === undefined
        ? { type: 'Anonymous', id: 'anonymous' }
        : { type: 'Caller', id: caller.subject }
    const attrs = caller === undefined ? {} : attributesOf(caller)
    const key = `${this.#id}:${JSON.stringify([uid, attrs])}`
    let access = this.#byAttributes.get(key)
    if (access === undefined) {
      access = new CedarAccess(key, (kind, name) => this.#ask(uid, attrs, kind, name))
      if (this.#byAttributes.size >= maxCallers) this.#byAttributes.clear()
      this.#byAttributes.set(key, access)
    }
    return access
  }

  #ask(
    principal: TypeAndId,
    attrs: Record<string, CedarValue>,
    kind: TargetKind,
    name: string,
  ): Decision {
    if (kind === 'resource' && hasDotSegment(name)) return dotSegment
    const resource = { type: entityTypes[kind], id: name }
    const answer = this.#cedar.statefulIsAuthorized({
      principal,
      action: { type: 'Action', id: actions[kind] },
      resource,
      context: {},
      preparsedPolicySetId: this.#id,
      entities: [
        { uid: principal, attrs, parents: [] },
        { uid: resource, attrs: { name }, parents: [] },
      ],
    })
    if (answer.type === 'failure') {
      return { allowed: false, rule: `${this.#name}: ${answer.errors[0]?.message ?? 'failed'}` }
    }
    const { decision, diagnostics } = answer.response
    // Cedar passes over a policy that fails. If that one forbids, passing over it would allow.
    const [failed] = diagnostics.errors
    if (failed !== undefined) {
      const { policyId, error } = failed
      return { allowed: false, rule: `${this.#name}: ${policyId} failed: ${error.message}` }
    }
    const reasons = diagnostics.reason.join(', ')
    if (decision === 'allow') return { allowed: true, rule: `${this.#name}: ${reasons} permits it` }
    if (reasons !== '') return { allowed: false, rule: `${this.#name}: ${reasons} forbids it` }
    if (kind === 'method' && isOpenMethod(name)) return openMethod
    return { allowed: false, rule: `${this.#name}: no policy permits it` }
  }
}

class CedarAccess implements Access {
  readonly key: string
  readonly roles: ReadonlySet<string> = new Set()
  readonly isOpen = false
  readonly #decisions: DecisionCache

  constructor(key: string, work: (kind: TargetKind, name: string) => Decision) {
    this.key = key
    this.#decisions = new DecisionCache(work)
  }

  decide(kind: TargetKind, name: string): Decision {
    return this.#decisions.decide(kind, name)
  }
}

/** What policies see of a caller. All attributes are always there, so that a policy need not ask whether. */
function attributesOf(caller: AuthInfo): Record<string, CedarValue> {
  const { subject, issuer = '', scopes = [], claims = {} } = caller
  const { certificate } = caller as { certificate?: unknown }
  return {
    subject,
    issuer,
    scopes: [...scopes],
    key: keyNameOf(caller) ?? '',
    certificate:
      isJsonObject(certificate) && typeof certificate.subject === 'string'
        ? certificate.subject
        : '',
    claims: recordOf(claims, 0),
  }
}

const maxDepth = 4

function recordOf(from: Readonly<Record<string, unknown>>, depth: number) {
  const record: { [name: string]: CedarValue } = {}
  for (const [name, value] of Object.entries(from)) {
    const cedarValue = cedarValueOf(value, depth)
    // These names mean something else in Cedar's JSON.
    if (cedarValue !== undefined && !name.startsWith('__')) record[name] = cedarValue
  }
  return record
}

/** A claim as Cedar has values: whole numbers, texts, truth values, sets and records; anything else is left out. */
function cedarValueOf(value: unknown, depth: number): CedarValue | undefined {
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined
  if (depth >= maxDepth) return undefined
  if (Array.isArray(value)) {
    return value.flatMap((each) => cedarValueOf(each, depth + 1) ?? [])
  }
  return isJsonObject(value) ? recordOf(value, depth + 1) : undefined
}
