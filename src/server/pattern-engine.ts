import { compileLinear } from './linear-pattern.ts'

/**
 * What is done with a `pattern` that cannot be matched in linear time: `refuse` the schema, or run it by `backtracking`
 * as JavaScript does, at the risk that a client's text stops the server.
 */
export type UnboundedPatterns = 'refuse' | 'backtracking'

interface Engine {
  (pattern: string, flags: string): { test(text: string): boolean }
  code: string
}

/** The engine for the patterns of schemas, in the form that ajv wants. */
export function patternEngine(unbounded: UnboundedPatterns): Engine {
  const compile = (pattern: string, flags: string) => {
    try {
      return compileLinear(pattern)
    } catch (error) {
      if (unbounded === 'backtracking') return new RegExp(pattern, flags)
      if (!(error instanceof TypeError)) throw error
      throw new TypeError(
        `${error.message}; write it otherwise, use maxLength, or allow it by unboundedPatterns: 'backtracking'`,
        { cause: error },
      )
    }
  }
  return Object.assign(compile, { code: 'patternEngine' })
}
