import { isSecretName } from '../protocol/secret-names.ts'

const redacted = '[redacted]'
const maxDepth = 10
const maxEntries = 1000
const maxLength = 1024 * 1024
const authorization = /\b(Bearer|Basic) +[\w.~+/=-]+/gi
const userInfo = /(\/\/)[^\s/@]+@/g

/**
 * What a handler logs, as plain JSON that is fit to leave the process (2026-07-28, server/utilities/logging#security):
 * what looks like a secret is redacted, errors are told without their stack, and what is no JSON, runs in circles or
 * goes on for ever is cut short. Never throws.
 *
 * @param redact - takes out what else must not leave the process
 */
export function logData(data: unknown, redact?: (data: unknown) => unknown): unknown {
  const clean = plainData(data)
  if (redact === undefined) return clean
  try {
    return plainData(redact(clean))
  } catch {
    return '[cannot be redacted]'
  }
}

function plainData(data: unknown): unknown {
  try {
    const clean = cleaned(data, [])
    const length = typeof clean === 'string' ? clean.length : (JSON.stringify(clean)?.length ?? 0)
    return length > maxLength ? `[too long to be sent: ${length} characters]` : clean
  } catch {
    return '[cannot be read]'
  }
}

/** A text without what stands in it as credentials usually do. */
export function withoutCredentials(text: string): string {
  return text.replace(authorization, `$1 ${redacted}`).replace(userInfo, `$1${redacted}@`)
}

/** @param above - the objects that hold the value */
function cleaned(value: unknown, above: readonly object[]): unknown {
  switch (typeof value) {
    case 'string':
      return withoutCredentials(value)
    case 'number':
    case 'boolean':
      return value
    case 'object':
      return value === null ? null : cleanedObject(value, above)
    case 'undefined':
      return null
    default:
      return String(value)
  }
}

function cleanedObject(value: object, above: readonly object[]): unknown {
  if (above.includes(value)) return '[circular]'
  if (above.length >= maxDepth) return '[nested too deep]'
  const here = [...above, value]
  if (value instanceof Error) return cleaned(`${value.name}: ${value.message}`, here)
  if (value instanceof Map || value instanceof Set) return cleanedObject([...value], above)
  if (Array.isArray(value)) return value.slice(0, maxEntries).map((each) => cleaned(each, here))
  if ('toJSON' in value && typeof value.toJSON === 'function') return cleaned(value.toJSON(), here)
  const entries = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .slice(0, maxEntries)
  return Object.fromEntries(
    entries.map(([name, each]) => [
      name,
      isSecret(name) && each !== null && typeof each !== 'boolean' ? redacted : cleaned(each, here),
    ]),
  )
}

function isSecret(name: string): boolean {
  return isSecretName(name) || /^(?:proxy-)?authorization$|^(?:set-)?cookie$/i.test(name)
}
