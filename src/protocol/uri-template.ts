/**
 * URI templates (RFC 6570), read backwards: which values of the variables give this URI?
 *
 * All operators and both modifiers are understood. An expansion can be ambiguous; then a variable ends at the first
 * occurrence of what follows it in the template. No other division is tried, so matching takes linear time whatever
 * the URI: it comes from strangers.
 */
export interface UriTemplate {
  readonly template: string
  /** Names of the variables in order of appearance. */
  readonly variables: readonly string[]
  /** The values of the variables if the URI is an expansion of the template, percent-decoded; else undefined. */
  match(uri: string): Record<string, string> | undefined
}

/** One piece of a template: fixed text, a variable, or the name-value pairs of several variables. */
type Part =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'variable'; readonly name: string; readonly stops: string }
  | { readonly kind: 'pairs'; readonly names: readonly string[]; readonly lead: string }

/** A longer URI is no match. */
const maxUriLength = 8192
const variablePattern = /^([A-Za-z0-9_](?:\.?[A-Za-z0-9_%])*)(\*|:[1-9]\d{0,3})?$/
const operators = '+#./;?&'

/**
 * Compiles a template.
 *
 * @throws TypeError when it breaks the grammar of RFC 6570
 */
export function parseUriTemplate(template: string): UriTemplate {
  const parts: Part[] = []
  let rest = template
  while (rest !== '') {
    const open = rest.search(/[{}]/)
    const text = open < 0 ? rest : rest.slice(0, open)
    if (text !== '') parts.push({ kind: 'literal', text })
    if (open < 0) break
    const close = rest.indexOf('}', open)
    if (rest[open] === '}' || close < 0) throw invalid(template, 'unbalanced braces')
    parts.push(...parseExpression(template, rest.slice(open + 1, close)))
    rest = rest.slice(close + 1)
  }
  const variables = parts.flatMap((part) => {
    if (part.kind === 'pairs') return part.names
    return part.kind === 'variable' ? [part.name] : []
  })
  return {
    template,
    variables,
    match: (uri) => (uri.length > maxUriLength ? undefined : match(parts, uri)),
  }
}

/** The separator between the variables of an expression, and the characters that no value of it holds. */
const forms: Readonly<Record<string, { lead: string; separator: string; stops: string }>> = {
  '': { lead: '', separator: ',', stops: '/?#' },
  '+': { lead: '', separator: ',', stops: '' },
  '#': { lead: '#', separator: ',', stops: '' },
  '.': { lead: '.', separator: '.', stops: '/?#.' },
  '/': { lead: '/', separator: '/', stops: '/?#' },
}

function parseExpression(template: string, source: string): Part[] {
  const operator = source !== '' && operators.includes(source.charAt(0)) ? source.charAt(0) : ''
  const variables = source
    .slice(operator.length)
    .split(',')
    .map((each) => {
      const found = variablePattern.exec(each)
      if (found?.[1] === undefined) throw invalid(template, `"${each}" is not a variable`)
      return { name: found[1], isExploded: found[2] === '*' }
    })
  const form = forms[operator]
  if (form === undefined) {
    return [{ kind: 'pairs', names: variables.map(({ name }) => name), lead: operator }]
  }
  const { lead, separator, stops } = form
  return variables.flatMap(({ name, isExploded }, index): Part[] => {
    const before = index === 0 ? lead : separator
    // An exploded list holds the separator between its items.
    const ends = isExploded ? stops.replace(separator, '') : stops
    const variable: Part = { kind: 'variable', name, stops: ends }
    return before === '' ? [variable] : [{ kind: 'literal', text: before }, variable]
  })
}

function match(parts: readonly Part[], uri: string): Record<string, string> | undefined {
  const values: Record<string, string> = Object.create(null)
  let position = 0
  for (const [index, part] of parts.entries()) {
    if (part.kind === 'literal') {
      if (!uri.startsWith(part.text, position)) return undefined
      position += part.text.length
      continue
    }
    const end = endOf(part, parts.slice(index + 1), uri, position)
    if (end === undefined || !read(part, uri.slice(position, end), values)) return undefined
    position = end
  }
  return position === uri.length ? values : undefined
}

/** Where a part that is no literal ends, or undefined when it cannot be here. */
function endOf(
  part: Exclude<Part, { kind: 'literal' }>,
  [next, ...others]: readonly Part[],
  uri: string,
  start: number,
): number | undefined {
  if (part.kind === 'pairs') {
    if (uri[start] !== part.lead) return start
    return firstOf(part.lead === ';' ? '/?#' : '#', uri, start)
  }
  const limit = firstOf(part.stops, uri, start)
  let end = limit
  if (next?.kind === 'literal') {
    const isLast = others.length === 0
    end = isLast ? uri.length - next.text.length : uri.indexOf(next.text, start + 1)
  } else if (next?.kind === 'variable') end = start + 1
  else if (next?.kind === 'pairs') end = Math.min(limit, firstOf(next.lead, uri, start))
  return end > start && end <= limit ? end : undefined
}

/** The first place from `start` on with one of the characters, or the end. */
function firstOf(characters: string, text: string, start: number): number {
  let index = start
  while (index < text.length && !characters.includes(text.charAt(index))) index += 1
  return index
}

/** Reads the text of a part into the values; false when its percent-encoding is malformed. */
function read(
  part: Exclude<Part, { kind: 'literal' }>,
  text: string,
  values: Record<string, string>,
): boolean {
  try {
    if (part.kind === 'variable') values[part.name] = decodeURIComponent(text)
    else readPairs(part.names, text, part.lead === ';' ? ';' : '&', values)
    return true
  } catch {
    return false
  }
}

function readPairs(
  names: readonly string[],
  text: string,
  separator: string,
  values: Record<string, string>,
): void {
  for (const pair of text.slice(1).split(separator)) {
    const equals = pair.indexOf('=')
    const name = decodeURIComponent(equals < 0 ? pair : pair.slice(0, equals))
    const value = equals < 0 ? '' : decodeURIComponent(pair.slice(equals + 1))
    if (names.includes(name)) values[name] = value
  }
}

function invalid(template: string, what: string): TypeError {
  return new TypeError(`Invalid URI template "${template}": ${what}`)
}
