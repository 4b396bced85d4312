import { createRequire } from 'node:module'
import type { ErrorObject, ValidateFunction } from 'ajv'
import type { Document, LineCounter } from 'yaml'
import { listOf, type PlaceOf, type PolicyDocument } from './policy-document.ts'
import { policySchema } from './policy-schema.ts'

/** A policy as it was written, with the places of its parts. */
export interface PolicySource {
  readonly document: PolicyDocument
  readonly placeOf: PlaceOf
}

/** What is wrong with a policy file: each problem with its line. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

const maxLength = 4 * 1024 * 1024
const maxProblems = 10
/** Methods whose object decides, so that a permission for the method alone would mean nothing. */
const byObject: Readonly<Record<string, string>> = {
  'tools/call': 'tools',
  'resources/read': 'resources',
  'resources/subscribe': 'resources',
  'prompts/get': 'prompts',
}

// A server without a policy never loads them.
const require = createRequire(import.meta.url)
let validator: ValidateFunction | undefined

/**
 * Reads a policy from YAML or JSON.
 *
 * @param name - what messages call it, for instance the name of its file
 * @throws PolicyError that names line and reason
 */
export function readPolicy(text: string, name: string): PolicySource {
  if (text.length > maxLength) throw new PolicyError([`${name}: too long to be a policy`])
  const { LineCounter, parseDocument } = require('yaml') as typeof import('yaml')
  const lines = new LineCounter()
  // Aliases may stand for one another many times over (a bomb); a policy has no use for them.
  const parsed = parseDocument(text, { lineCounter: lines, prettyErrors: false, strict: true })
  const syntax = [...parsed.errors, ...parsed.warnings].map(
    ({ message, pos }) => `${name}:${lines.linePos(pos[0]).line}: ${firstLine(message)}`,
  )
  if (syntax.length > 0) throw new PolicyError(syntax.slice(0, maxProblems))
  let document: unknown
  try {
    document = parsed.toJS({ maxAliasCount: 0 })
  } catch (error) {
    throw new PolicyError([`${name}: ${error instanceof Error ? error.message : String(error)}`])
  }
  const placeOf: PlaceOf = (path) => `${name}:${lineOf(parsed, lines, path)}`
  validator ??= compileValidator()
  if (!validator(document)) {
    throw new PolicyError(describe(validator.errors ?? [], placeOf).slice(0, maxProblems))
  }
  const source = { document: document as PolicyDocument, placeOf }
  const problems = checkMeaning(source)
  if (problems.length > 0) throw new PolicyError(problems.slice(0, maxProblems))
  return source
}

function compileValidator(): ValidateFunction {
  const { default: Ajv } = require('ajv') as typeof import('ajv')
  const Constructor = Ajv as unknown as typeof import('ajv').Ajv
  return new Constructor({ strict: true, allErrors: true, strictTypes: false }).compile(
    policySchema,
  )
}

function describe(errors: readonly ErrorObject[], placeOf: PlaceOf): string[] {
  const seen = new Set<string>()
  for (const error of errors) {
    // What follows from the alternatives being wrong says nothing more.
    if (error.keyword === 'anyOf' || error.keyword === 'propertyNames') continue
    const path = pathOf(error.instancePath)
    const { additionalProperty } = error.params as { additionalProperty?: string }
    const at = additionalProperty === undefined ? path : [...path, additionalProperty]
    seen.add(`${placeOf(at)}: ${dotted(path)}${reasonOf(error)}`)
  }
  return [...seen]
}

function reasonOf({ message, params, keyword }: ErrorObject): string {
  if (keyword === 'additionalProperties') return `there is no member "${params.additionalProperty}"`
  if (keyword === 'const') return `must be ${JSON.stringify(params.allowedValue)}`
  if (keyword === 'enum') return `must be one of ${params.allowedValues.join(', ')}`
  return message ?? 'is wrong'
}

/** What a schema cannot say: that names lead somewhere, and permissions mean something. */
function checkMeaning({ document, placeOf }: PolicySource): string[] {
  const problems: string[] = []
  const { roles = {}, grants = [], limits = {} } = document
  const checkRoles = (names: readonly string[], path: (string | number)[]): void => {
    for (const name of names) {
      if (!Object.hasOwn(roles, name)) {
        problems.push(`${placeOf(path)}: there is no role "${name}"`)
      }
    }
  }
  for (const [index, { roles: names, to }] of grants.entries()) {
    checkRoles(listOf(names), ['grants', index, 'roles'])
    if (to.everyone && Object.keys(to).length > 1) {
      problems.push(`${placeOf(['grants', index, 'to'])}: everyone stands alone`)
    }
    if (to.anonymous && Object.keys(to).length > 1) {
      problems.push(`${placeOf(['grants', index, 'to'])}: anonymous stands alone`)
    }
  }
  for (const [name, { allow }] of Object.entries(roles)) {
    for (const method of listOf(allow?.methods)) {
      const member = Object.hasOwn(byObject, method) ? byObject[method] : undefined
      if (member === undefined) continue
      const place = placeOf(['roles', name, 'allow', 'methods'])
      problems.push(`${place}: ${method} is allowed by naming ${member}, not the method`)
    }
  }
  for (const [kind, list] of Object.entries(limits)) {
    for (const [index, limit] of (list as { roles?: string }[]).entries()) {
      checkRoles(listOf(limit.roles), ['limits', kind, index, 'roles'])
    }
  }
  return problems
}

function lineOf(
  document: Document.Parsed,
  lines: LineCounter,
  path: readonly (string | number)[],
): number {
  const { isMap, isNode } = require('yaml') as typeof import('yaml')
  // The nearest part that is there: what is missing has no line.
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true)
    const last = path[length - 1]
    if (isMap(parent)) {
      const pair = parent.items.find(({ key }) => isNode(key) && String(key) === String(last))
      if (pair !== undefined && isNode(pair.key) && pair.key.range) {
        return lines.linePos(pair.key.range[0]).line
      }
    }
    const node = document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
  }
  return 1
}

function pathOf(instancePath: string): (string | number)[] {
  return instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part))
}

function dotted(path: readonly (string | number)[]): string {
  return path.length === 0 ? '' : `${path.join('.')} `
}

function firstLine(message: string): string {
  return message.split('\n')[0] ?? message
}
