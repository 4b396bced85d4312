import type { AuthInfo } from '../../protocol/types.ts'
import { type Access, openAccess, RoleAccess, type Rule, type Rules, ruleOf } from './access.ts'
import { compileGrantee, type GranteeMatcher } from './grantee.ts'
import type { TargetKind } from './operation.ts'
import { listOf, type Permission, type PlaceOf } from './policy-document.ts'
import type { PolicySource } from './read-policy.ts'

/** Says what a caller may do. Roles and grants are one way to say it, Cedar policies another. */
export interface Authorizer {
  accessOf(caller: AuthInfo | undefined): Access
  /**
   * Of a denied operation: the scope that would allow it to the caller, for it to ask its authorization server for
   * (2026-07-28, basic/authorization#step-up-authorization-flow). Left out where policies cannot be asked that.
   */
  scopeThatAllows?(caller: AuthInfo, kind: TargetKind, name: string): string | undefined
}

interface Grant {
  readonly roles: readonly string[]
  readonly place: string
  readonly to: GranteeMatcher
}
interface Role {
  readonly allow: Rules
  readonly deny: Rules
}

/** Sets of roles whose access is kept. */
const maxSets = 10_000
const members = ['methods', 'tools', 'resources', 'prompts'] as const
let generations = 0

/** The roles and grants of a policy, compiled. */
export class RolePolicy implements Authorizer {
  readonly #roles: ReadonlyMap<string, Role>
  readonly #grants: readonly Grant[]
  readonly #open: Access | undefined
  /** Tells the views of lists of this policy from those of the one before it. */
  readonly #generation = ++generations
  readonly #bySet = new Map<string, Access>()
  /** Authenticators give the same object for the same credentials as long as they can. */
  readonly #byCaller = new WeakMap<AuthInfo, Access>()
  #anonymous: Access | undefined = undefined

  constructor({ document, placeOf }: PolicySource) {
    const { roles = {}, grants = [] } = document
    this.#roles = new Map(
      Object.entries(roles).map(([name, { allow, deny }]) => [
        name,
        {
          allow: compilePermission(allow, ['roles', name, 'allow'], placeOf),
          deny: compilePermission(deny, ['roles', name, 'deny'], placeOf),
        },
      ]),
    )
    this.#grants = grants.map((grant, index) => ({
      roles: listOf(grant.roles),
      place: placeOf(['grants', index]),
      to: compileGrantee(grant.to),
    }))
    // A file of limits alone decides nothing about who may do what.
    if (document.roles === undefined && document.grants === undefined) this.#open = openAccess
  }

  accessOf(caller: AuthInfo | undefined): Access {
    if (this.#open !== undefined) return this.#open
    if (caller === undefined) {
      this.#anonymous ??= this.#work(caller)
      return this.#anonymous
    }
    let access = this.#byCaller.get(caller)
    if (access === undefined) {
      access = this.#work(caller)
      this.#byCaller.set(caller, access)
    }
    return access
  }

  /** The grants that a caller has its roles from, and where they stand. */
  grantsOf(caller: AuthInfo | undefined): readonly { roles: readonly string[]; place: string }[] {
    return this.#grants.filter(({ to }) => to.matches(caller))
  }

  scopeThatAllows(caller: AuthInfo, kind: TargetKind, name: string): string | undefined {
    const own = this.accessOf(caller).roles
    for (const { roles, to } of this.#grants) {
      const [scope] = to.lackedScopes(caller)
      if (scope !== undefined && this.#accessOfRoles([...own, ...roles]).decide(kind, name).allowed)
        return scope
    }
    return undefined
  }

  #work(caller: AuthInfo | undefined): Access {
    return this.#accessOfRoles(this.grantsOf(caller).flatMap(({ roles }) => roles))
  }

  #accessOfRoles(roleNames: readonly string[]): Access {
    const names = new Set(roleNames)
    const sorted = [...names].sort()
    const key = `${this.#generation}:${JSON.stringify(sorted)}`
    let access = this.#bySet.get(key)
    if (access === undefined) {
      const roles = sorted.flatMap((name) => this.#roles.get(name) ?? [])
      access = new RoleAccess(
        key,
        new Set(sorted),
        joined(roles.map(({ allow }) => allow)),
        joined(roles.map(({ deny }) => deny)),
      )
      if (this.#bySet.size >= maxSets) this.#bySet.clear()
      this.#bySet.set(key, access)
    }
    return access
  }
}

function compilePermission(
  permission: Permission = {},
  path: readonly string[],
  placeOf: PlaceOf,
): Rules {
  const [, role, verb] = path
  const compile = (member: keyof Permission): readonly Rule[] => {
    const given = permission[member]
    return listOf(given).map((pattern, index) => {
      const place = placeOf([...path, member, ...(typeof given === 'string' ? [] : [index])])
      const does = verb === 'allow' ? 'allows' : 'denies'
      return ruleOf(pattern, `${place}: role ${role} ${does} ${member} "${pattern}"`)
    })
  }
  return {
    methods: compile('methods'),
    tools: compile('tools'),
    resources: compile('resources'),
    prompts: compile('prompts'),
  }
}

function joined(all: readonly Rules[]): Rules {
  const [methods, tools, resources, prompts] = members.map((member) =>
    all.flatMap((rules) => rules[member]),
  )
  return {
    methods: methods ?? [],
    tools: tools ?? [],
    resources: resources ?? [],
    prompts: prompts ?? [],
  }
}
