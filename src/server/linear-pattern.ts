import { createRequire } from 'node:module'

/** As much of a regular expression as a validator asks for. */
interface Pattern {
  test(text: string): boolean
}

// A program whose schemas have no patterns never loads it.
const require = createRequire(import.meta.url)

/** The characters that `\s` and `.` mean in JavaScript and not in RE2, for use inside a class. */
const space = String.raw`\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`
const lineEnd = String.raw`\n\r\x{2028}\x{2029}`

/**
 * Compiles a pattern for an engine that takes time in proportion to the text, whatever pattern and text are (RE2). With
 * JavaScript's own, some patterns take for ever on some texts, and the text is the client's.
 *
 * @throws TypeError for what cannot be had in linear time (back-references, look-around) or not by this engine (more
 *   than 1000 repetitions)
 */
export function compileLinear(pattern: string): Pattern {
  const { RE2JS } = require('re2js') as typeof import('re2js')
  // What JavaScript does not understand is refused in its words.
  new RegExp(pattern, 'u')
  try {
    return RE2JS.compile(RE2JS.translateRegExp(withOwnClasses(pattern)))
  } catch (error) {
    const reason =
      error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : ''
    throw new TypeError(`pattern "${pattern}" cannot be matched in linear time: ${reason}`, {
      cause: error,
    })
  }
}

/** Writes `\s`, `\S` and `.` out, which mean other characters here than there. */
function withOwnClasses(pattern: string): string {
  let result = ''
  let isInClass = false
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at)
    if (char === '\\') {
      at += 1
      result += escapeFor(pattern.charAt(at), isInClass)
    } else if (char === '.' && !isInClass) result += `[^${lineEnd}]`
    else {
      if (char === '[') isInClass = true
      else if (char === ']') isInClass = false
      result += char
    }
  }
  return result
}

function escapeFor(char: string, isInClass: boolean): string {
  if (char === 's') return isInClass ? space : `[${space}]`
  if (char !== 'S') return `\\${char}`
  if (isInClass) throw new TypeError('\\S inside a class is not supported')
  return `[^${space}]`
}
