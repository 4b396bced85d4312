import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { manifest } from './manifest.ts'

const ownEnding = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
const subpaths = Object.keys(manifest.exports).filter((subpath) => !subpath.endsWith('.json'))
const ownModules = new Map(
  subpaths.map((subpath) => {
    const name = subpath === '.' ? 'index' : subpath.slice('./'.length)
    return [
      subpath.replace('.', 'tsmcp'),
      new URL(`../${name}${ownEnding}`, import.meta.url).href,
    ] as const
  }),
)

/** What the hooks saw since they were installed. */
export interface LoadedFiles {
  /** The user's own files (none of node_modules), in the order in which they were first asked for. */
  readonly own: ReadonlySet<string>
  /** The file that was loaded last: the one that a syntax error without a position is in. */
  readonly last: string | undefined
}

let installed: { own: Set<string>; last: string | undefined } | undefined

/**
 * Makes this process load the user's modules as `tsmcp` promises, and keeps a list of them.
 *
 * - `import 'tsmcp'` finds this very copy, so that a lone file works without any node_modules and
 *   the server it defines is of the same classes as the program that serves it.
 * - A `.ts` file is an ES module whatever the nearest package.json says: `npm init` writes
 *   `"type": "commonjs"`, under which Node would refuse the `export default` that is asked for.
 */
export function installModuleHooks(): LoadedFiles {
  if (installed !== undefined) return installed
  const seen = { own: new Set<string>(), last: undefined as string | undefined }
  installed = seen
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const own = ownModules.get(specifier)
      if (own !== undefined) return { url: own, shortCircuit: true }
      const resolved = nextResolve(specifier, context)
      const isOwn = resolved.url.startsWith('file:') && !resolved.url.includes('/node_modules/')
      if (!isOwn) return resolved
      const path = fileURLToPath(resolved.url)
      seen.own.add(path)
      return /\.ts$/.test(path) ? { ...resolved, format: 'module-typescript' } : resolved
    },
    load(url, context, nextLoad) {
      if (url.startsWith('file:')) seen.last = fileURLToPath(url)
      return nextLoad(url, context)
    },
  })
  return seen
}
