/**
 * URI templates (RFC 6570), read backwards: which values of the variables give this URI?
 *
 * All operators and both modifiers are understood. Where an expansion is ambiguous the shortest match wins for a
 * variable that is followed by more of the template.
 */
export interface UriTemplate {
  readonly template: string
  /** Names of the variables in order of appearance. */
  readonly variables: readonly string[]
  /** The values of the variables if the URI is an expansion of the template, percent-decoded; else undefined. */
  match(uri: string): Record<string, string> | undefined
}

interface Variable {
  readonly name: string
  readonly explode: boolean
}
interface Expression {
  readonly operator: string
  readonly variables: readonly Variable[]
}

/** A longer URI is no match: it bounds what matching can cost. */
const maxUriLength = 8192
const variablePattern = /^([A-Za-z0-9_](?:\.?[A-Za-z0-9_%])*)(\*|:[1-9]\d{0,3})?$/
const operators = '+#./;?&'

/**
 * Compiles a template.
 *
 * @throws TypeError when it breaks the grammar of RFC 6570
 */
export function parseUriTemplate(template: string): UriTemplate {
  const expressions: Expression[] = []
  let pattern = '^'
  let rest = template
  while (rest !== '') {
    const open = rest.search(/[{}]/)
    if (open < 0) {
      pattern += escapeRegExp(rest)
      break
    }
    const close = rest.indexOf('}', open)
    if (rest[open] === '}' || close < 0) throw invalid(template, 'unbalanced braces')
    pattern += escapeRegExp(rest.slice(0, open))
    const expression = parseExpression(template, rest.slice(open + 1, close))
    expressions.push(expression)
    pattern += expressionPattern(expression)
    rest = rest.slice(close + 1)
  }
  const regExp = new RegExp(`${pattern}$`, 'su')
  const variables = expressions.flatMap((each) => each.variables.map((variable) => variable.name))
  return {
    template,
    variables,
    match: (uri) => (uri.length > maxUriLength ? undefined : match(regExp, expressions, uri)),
  }
}

function parseExpression(template: string, source: string): Expression {
  const operator = source !== '' && operators.includes(source.charAt(0)) ? source.charAt(0) : ''
  const variables = source
    .slice(operator.length)
    .split(',')
    .map((each) => {
      const found = variablePattern.exec(each)
      if (found?.[1] === undefined) throw invalid(template, `"${each}" is not a variable`)
      return { name: found[1], explode: found[2] === '*' }
    })
  return { operator, variables }
}

/** One capture group for the whole expansion of an expression, or one a variable where they are separated. */
function expressionPattern({ operator, variables }: Expression): string {
  const each = (group: (variable: Variable) => string, separator: string): string =>
    variables.map(group).join(separator)
  switch (operator) {
    case '+':
      return each(() => '(.+?)', ',')
    case '#':
      return `#${each(() => '(.+?)', ',')}`
    case '.':
      return each(({ explode }) => (explode ? '((?:\\.[^/?#]+?)+)' : '\\.([^/?#.]+)'), '')
    case '/':
      return each(({ explode }) => (explode ? '((?:/[^/?#]+)+)' : '/([^/?#]+)'), '')
    case ';':
      return '((?:;[^/?#;]+)*)'
    case '?':
      return '((?:\\?[^#]*)?)'
    case '&':
      return '((?:&[^#]*)?)'
    default:
      return variables.length === 1 ? '([^/?#]+?)' : each(() => '([^/?#,]+?)', ',')
  }
}

function match(
  regExp: RegExp,
  expressions: readonly Expression[],
  uri: string,
): Record<string, string> | undefined {
  const found = regExp.exec(uri)
  if (found === null) return undefined
  const values: Record<string, string> = Object.create(null)
  let group = 1
  try {
    for (const { operator, variables } of expressions) {
      if (operator === ';' || operator === '?' || operator === '&') {
        readPairs(found[group++] ?? '', operator, variables, values)
        continue
      }
      for (const { name, explode } of variables) {
        const raw = found[group++] ?? ''
        const lead = explode && (operator === '/' || operator === '.') ? raw.slice(1) : raw
        values[name] = decodeURIComponent(lead)
      }
    }
  } catch {
    return undefined // malformed percent-encoding
  }
  return values
}

function readPairs(
  source: string,
  operator: string,
  variables: readonly Variable[],
  values: Record<string, string>,
): void {
  const pairs = new Map<string, string>()
  for (const pair of source.slice(1).split(operator === ';' ? ';' : '&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = equals < 0 ? pair : pair.slice(0, equals)
    pairs.set(
      decodeURIComponent(name),
      equals < 0 ? '' : decodeURIComponent(pair.slice(equals + 1)),
    )
  }
  for (const { name } of variables) {
    const value = pairs.get(name)
    if (value !== undefined) values[name] = value
  }
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

function invalid(template: string, what: string): TypeError {
  return new TypeError(`Invalid URI template "${template}": ${what}`)
}
