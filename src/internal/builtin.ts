import type * as Crypto from 'node:crypto'
import type * as Files from 'node:fs/promises'
import type * as Http from 'node:http'
import type * as Https from 'node:https'
import type * as PerfHooks from 'node:perf_hooks'
import type * as V8 from 'node:v8'

/**
 * Modules of Node that are slow to import. An `import` of a built-in reads all of its exports, and with them loads what
 * they load when first touched: all of undici behind `node:http`, WebCrypto behind `node:crypto`. Asked for like this,
 * when they are needed, they cost a tenth.
 */
export const builtin = {
  get crypto(): typeof Crypto {
    return process.getBuiltinModule('node:crypto')
  },
  get files(): typeof Files {
    return process.getBuiltinModule('node:fs/promises')
  },
  get http(): typeof Http {
    return process.getBuiltinModule('node:http')
  },
  get https(): typeof Https {
    return process.getBuiltinModule('node:https')
  },
  get perfHooks(): typeof PerfHooks {
    return process.getBuiltinModule('node:perf_hooks')
  },
  get v8(): typeof V8 {
    return process.getBuiltinModule('node:v8')
  },
} as const
