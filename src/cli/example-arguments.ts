type Schema = Readonly<Record<string, unknown>>

/** Deep enough for any real argument, and an end for schemas that refer to themselves. */
const maxDepth = 6

/**
 * Arguments that a tool's input schema accepts, for a command that the user can type as it stands.
 * Only what is required is filled in. `undefined` when the tool needs no arguments.
 */
export function exampleArguments(inputSchema: unknown): Record<string, unknown> | undefined {
  if (!isSchema(inputSchema)) return undefined
  const value = exampleValue(inputSchema, inputSchema, 0)
  return isSchema(value) && Object.keys(value).length > 0 ? { ...value } : undefined
}

/** Quotes a text for a POSIX shell, when it needs quotes. */
export function shellQuoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

function exampleValue(given: unknown, root: Schema, depth: number): unknown {
  if (!isSchema(given) || depth > maxDepth) return null
  const schema = dereferenced(given, root)
  if ('const' in schema) return schema.const
  if ('default' in schema) return schema.default
  if (Array.isArray(schema.examples) && schema.examples.length > 0) return schema.examples[0]
  if (Array.isArray(schema.enum) && schema.enum.length > 0) return schema.enum[0]
  for (const choices of [schema.anyOf, schema.oneOf]) {
    if (Array.isArray(choices) && choices.length > 0 && schema.type === undefined) {
      return exampleValue(choices.find((choice) => !isNull(choice)) ?? choices[0], root, depth + 1)
    }
  }
  switch (typeOf(schema)) {
    case 'object':
      return exampleObject(schema, root, depth)
    case 'array':
      return exampleArray(schema, root, depth)
    case 'integer':
    case 'number':
      return exampleNumber(schema)
    case 'boolean':
      return true
    case 'null':
      return null
    default:
      return exampleText(schema)
  }
}

function exampleObject(schema: Schema, root: Schema, depth: number): Record<string, unknown> {
  const parts = [schema, ...(Array.isArray(schema.allOf) ? schema.allOf : [])]
    .filter(isSchema)
    .map((part) => dereferenced(part, root))
  const properties = Object.assign({}, ...parts.map((part) => part.properties)) as Record<
    string,
    unknown
  >
  const required = parts.flatMap((part) => (Array.isArray(part.required) ? part.required : []))
  const entries = required.map((name) => [
    name,
    exampleValue(properties[name] ?? {}, root, depth + 1),
  ])
  return Object.fromEntries(entries)
}

function exampleArray(schema: Schema, root: Schema, depth: number): unknown[] {
  const item = exampleValue(schema.items ?? {}, root, depth + 1)
  const count = typeof schema.minItems === 'number' ? schema.minItems : 1
  return Array.from({ length: Math.min(Math.max(count, 1), 10) }, () => item)
}

function exampleNumber(schema: Schema): number {
  const step =
    typeof schema.multipleOf === 'number' && schema.multipleOf > 0 ? schema.multipleOf : 1
  const least =
    typeof schema.minimum === 'number'
      ? schema.minimum
      : typeof schema.exclusiveMinimum === 'number'
        ? schema.exclusiveMinimum + step
        : undefined
  const most =
    typeof schema.maximum === 'number'
      ? schema.maximum
      : typeof schema.exclusiveMaximum === 'number'
        ? schema.exclusiveMaximum - step
        : undefined
  const wanted = Math.min(Math.max(step, least ?? step), most ?? Number.MAX_SAFE_INTEGER)
  return Math.ceil(wanted / step) * step
}

const textOfFormat: Readonly<Record<string, string>> = {
  date: '2026-07-28',
  time: '12:00:00Z',
  'date-time': '2026-07-28T12:00:00Z',
  duration: 'PT1H',
  email: 'ada@example.com',
  uri: 'https://example.com/',
  url: 'https://example.com/',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uuid: '123e4567-e89b-42d3-a456-426614174000',
}

function exampleText(schema: Schema): string {
  const ofFormat = typeof schema.format === 'string' ? textOfFormat[schema.format] : undefined
  const base = ofFormat ?? 'text'
  const least = typeof schema.minLength === 'number' ? schema.minLength : 0
  const most = typeof schema.maxLength === 'number' ? schema.maxLength : Number.MAX_SAFE_INTEGER
  return base.padEnd(Math.min(least, 200), 'x').slice(0, most)
}

function typeOf(schema: Schema): unknown {
  if (Array.isArray(schema.type)) return schema.type.find((type) => type !== 'null')
  if (schema.type !== undefined) return schema.type
  return isSchema(schema.properties) || Array.isArray(schema.allOf) ? 'object' : undefined
}

/** Follows `#/$defs/…`; whatever else a `$ref` may say is left as it is. */
function dereferenced(schema: Schema, root: Schema): Schema {
  let current = schema
  for (let hops = 0; hops < maxDepth && typeof current.$ref === 'string'; hops++) {
    const target = current.$ref
      .replace(/^#\/?/, '')
      .split('/')
      .filter((part) => part !== '')
      .map((part) => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~'))
      .reduce<unknown>((at, part) => (isSchema(at) ? at[part] : undefined), root)
    if (!isSchema(target)) break
    current = target
  }
  return current
}

function isNull(schema: unknown): boolean {
  return isSchema(schema) && schema.type === 'null'
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
