import { type Decision, DecisionCache } from './decision-cache.ts'
import { compileGlob, literalPrefix, type Matcher } from './glob.ts'
import { hasDotSegment, isOpenMethod, type TargetKind } from './operation.ts'

/** What callers of one kind may do. */
export interface Access {
  /** Those who may do the same have the same key. */
  readonly key: string
  /** The roles that lead to it, where there are roles. */
  readonly roles: ReadonlySet<string>
  /** Nothing is restricted: lists need no filter. */
  readonly isOpen: boolean
  decide(kind: TargetKind, name: string): Decision
}

/** One pattern of a role. */
export interface Rule {
  readonly text: string
  readonly pattern: string
  readonly matches: Matcher
}
export type Rules = Readonly<Record<'methods' | 'tools' | 'resources' | 'prompts', readonly Rule[]>>

const memberOf = {
  method: 'methods',
  tool: 'tools',
  resource: 'resources',
  resourceTemplate: 'resources',
  prompt: 'prompts',
} as const

/** What a set of roles may do: a deny of any of them goes before every allow, and what none allows is denied. */
export class RoleAccess implements Access {
  readonly key: string
  readonly roles: ReadonlySet<string>
  readonly isOpen = false
  readonly #allow: Rules
  readonly #deny: Rules
  readonly #decisions = new DecisionCache((kind, name) => this.#work(kind, name))

  constructor(key: string, roles: ReadonlySet<string>, allow: Rules, deny: Rules) {
    this.key = key
    this.roles = roles
    this.#allow = allow
    this.#deny = deny
  }

  decide(kind: TargetKind, name: string): Decision {
    return this.#decisions.decide(kind, name)
  }

  #work(kind: TargetKind, name: string): Decision {
    const member = memberOf[kind]
    if (kind === 'resource' && hasDotSegment(name)) return dotSegment
    const forms = kind === 'resource' ? [name, normalized(name)] : [name]
    const denied = this.#deny[member].find(({ matches }) => forms.some(matches))
    if (denied !== undefined) return { allowed: false, rule: denied.text }
    if (kind === 'method' && isOpenMethod(name)) return openMethod
    const allowed = this.#allow[member].find((rule) =>
      kind === 'resourceTemplate' ? mayOverlap(rule, name) : rule.matches(name),
    )
    if (allowed !== undefined) return { allowed: true, rule: allowed.text }
    const roles = [...this.roles].join(', ')
    return {
      allowed: false,
      rule: `no rule allows it (${roles === '' ? 'the caller has no role' : `roles: ${roles}`})`,
    }
  }
}

/** A URI that a reader may take for another than the policy has seen. */
export const dotSegment: Decision = {
  allowed: false,
  rule: 'a URI with a dot segment is never allowed',
}
export const openMethod: Decision = {
  allowed: true,
  rule: 'a method of the protocol needs no permission of its own',
}

const unrestricted: Decision = { allowed: true, rule: 'the policy has no roles: all is allowed' }

/** What everybody may do where there is nothing but limits. */
export const openAccess: Access = {
  key: '',
  roles: new Set(),
  isOpen: true,
  decide: () => unrestricted,
}

/** Whether a template can stand for a URI that the rule allows: as far as both are plain text, they agree. */
function mayOverlap({ pattern, matches }: Rule, template: string): boolean {
  if (matches(template)) return true
  const plain = template.split('{')[0] ?? ''
  const prefix = literalPrefix(pattern)
  return plain.startsWith(prefix) || prefix.startsWith(plain)
}

/** The same URI without the disguises that a reader may take away: what is denied stays so in them. */
function normalized(uri: string): string {
  let plain = uri
  try {
    plain = decodeURIComponent(uri)
  } catch {
    // not encoded
  }
  return plain.replace(/^[^:/]+:(?:\/\/[^/]*)?/, (start) => start.toLowerCase())
}

/** A rule of one pattern. @param text - says whose it is and where it stands */
export function ruleOf(pattern: string, text: string): Rule {
  return { text, pattern, matches: compileGlob(pattern) }
}
