/** Tells whether a text matches. */
export type Matcher = (text: string) => boolean

/** Longer patterns are refused. */
export const maxPatternLength = 1000

/**
 * Compiles a pattern in which `*` stands for any run of characters, and everything else for itself.
 *
 * A match takes the leftmost place for each piece between two stars and never goes back, so no pattern and no text can
 * make it slow.
 */
export function compileGlob(pattern: string): Matcher {
  if (pattern === '*') return () => true
  const pieces = pattern.split('*')
  const first = pieces[0] ?? ''
  if (pieces.length === 1) return (text) => text === pattern
  const last = pieces[pieces.length - 1] ?? ''
  const middle = pieces.slice(1, -1).filter((piece) => piece !== '')
  const least = pieces.reduce((sum, piece) => sum + piece.length, 0)
  return (text) => {
    if (text.length < least || !text.startsWith(first) || !text.endsWith(last)) return false
    let place = first.length
    for (const piece of middle) {
      const found = text.indexOf(piece, place)
      if (found < 0) return false
      place = found + piece.length
    }
    return place <= text.length - last.length
  }
}

/** What stands before the first star: all that matches begins with it. */
export function literalPrefix(pattern: string): string {
  const star = pattern.indexOf('*')
  return star < 0 ? pattern : pattern.slice(0, star)
}
