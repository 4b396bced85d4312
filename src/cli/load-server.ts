import { readdirSync, statSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { GatewayLog, GatewayLogEntry } from '../gateway/gateway-log.ts'
import { isServable, mount, type SdkServer, type Servable } from '../index.ts'
import { CliError, messageOf } from './cli-error.ts'
import { explainLoadError, relativeIfInside } from './load-error.ts'
import { installModuleHooks } from './module-hooks.ts'
import { didYouMean } from './nearest-name.ts'

const moduleEndings = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs']
/** Files that name servers of others, to be served through a gateway. */
const gatewayEndings = ['.json', '.jsonc', '.yaml', '.yml']
/** A top-level `await` that never settles would leave the user in front of a silent command. */
const loadTimeoutMs = 60_000

/** The absolute path of the user's module. Throws, saying what to do, when there is no such file. */
export function findServerFile(file: string, cwd: string): string {
  const path = resolve(cwd, file)
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) {
    throw new CliError(`there is no file ${relativeIfInside(path, cwd)}${nearbyFile(path)}`)
  }
  if (found.isDirectory()) {
    throw new CliError(
      `${file} is a folder: name the file in it, such as ${join(file, 'server.ts')}`,
    )
  }
  if (!moduleEndings.includes(extname(path)) && !isGatewayFile(path)) {
    throw new CliError(
      `${file} is not a module: a TypeScript or JavaScript file is needed (${moduleEndings.join(', ')}), or an mcp.json`,
    )
  }
  return path
}

/** Whether a file names servers of others rather than being one. */
export function isGatewayFile(file: string): boolean {
  return gatewayEndings.includes(extname(file))
}

/** A server, and what is to be ended after it has been served. */
export interface LoadedServer extends Servable {
  /** Ends what the server has started; calls in flight are given `drainMs`. */
  close?(drainMs?: number): Promise<void>
}

/**
 * Loads the user's module and returns the server that it exports by default; of an mcp.json, the gateway to what it names.
 *
 * @param log - told of what happens to upstreams of a gateway. Default: lines on stderr
 */
export async function loadServer(
  file: string,
  cwd: string,
  log: GatewayLog = (entry) => console.error(gatewayLine(entry)),
): Promise<LoadedServer> {
  const entry = findServerFile(file, cwd)
  if (isGatewayFile(entry)) return loadGateway(entry, cwd, log)
  const seen = installModuleHooks()
  const name = relativeIfInside(entry, cwd)
  let exported: Record<string, unknown>
  try {
    exported = await withTimeout(import(pathToFileURL(entry).href), name)
  } catch (error) {
    if (error instanceof CliError) throw error
    throw explainLoadError(error, { cwd, entry, lastLoaded: seen.last })
  }
  if (!('default' in exported)) throw new CliError(noDefaultMessage(name, exported))
  try {
    return await asServer(exported.default, name)
  } catch (error) {
    if (error instanceof CliError) throw error
    throw explainLoadError(error, { cwd, entry, lastLoaded: undefined })
  }
}

/** Most programs serve no others, and need not load what it takes. */
async function loadGateway(path: string, cwd: string, log: GatewayLog): Promise<LoadedServer> {
  const [{ FileGateway }, { GatewayFileError }] = await Promise.all([
    import('../gateway/file-gateway.ts'),
    import('../gateway/config/gateway-file-error.ts'),
  ])
  try {
    return new FileGateway(path, { env: process.env, log })
  } catch (error) {
    if (!(error instanceof GatewayFileError)) throw new CliError(messageOf(error), { cause: error })
    const { file, line, column, reason } = error
    const place = `${relativeIfInside(file, cwd)}:${line}:${column}`
    throw new CliError(`${place}: ${reason}`, { cause: error })
  }
}

/** A line of the gateway's log, for people. */
export function gatewayLine({ level, upstream, text }: GatewayLogEntry): string {
  const where = upstream === undefined ? 'gateway' : upstream
  return level === 'info' || level === 'debug' ? `${where}: ${text}` : `${where}: ${level}: ${text}`
}

async function asServer(exported: unknown, name: string): Promise<Servable> {
  const value = await exported
  if (isServable(value)) return value
  if (isSdkServer(value)) return mount(value)
  if (typeof value === 'function') return fromFunction(value, name)
  // A CommonJS module that a compiler made from `export default`.
  if (isRecord(value) && value.__esModule === true) return asServer(value.default, name)
  throw new CliError(`${name} exports ${kindOf(value)} by default: ${whatIsNeeded}`)
}

async function fromFunction(make: object, name: string): Promise<Servable> {
  const call = async (): Promise<unknown> => Reflect.apply(make as () => unknown, undefined, [])
  let first = await call()
  if (isServable(first)) return first
  if (!isSdkServer(first)) {
    throw new CliError(
      `the function that ${name} exports by default returns ${kindOf(first)}: ${whatIsNeeded}`,
    )
  }
  // The one made to see what it is becomes the first of those that are served.
  return mount(async () => {
    const next = first ?? (await call())
    first = undefined
    if (isSdkServer(next)) return next
    throw new TypeError(`The function that ${name} exports by default returned ${kindOf(next)}`)
  })
}

const whatIsNeeded = 'export a server made by defineServer(), or one of the official SDK'

function noDefaultMessage(name: string, exported: Record<string, unknown>): string {
  const named = Object.entries(exported).find(
    ([, value]) => isServable(value) || isSdkServer(value),
  )
  return `${name} has no default export: end it with "export default ${named?.[0] ?? 'server'}"`
}

/** Told by shape: the user's copy of the official SDK is none that this program could name a class of. */
function isSdkServer(value: unknown): value is SdkServer {
  return hasMethods(value, ['connect', 'close'])
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  return isRecord(value) && names.every((name) => typeof value[name] === 'function')
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'an array'
  if (typeof value !== 'object') return `a ${typeof value}`
  const maker = value.constructor?.name
  return maker === undefined || maker === 'Object' ? 'an object that is no server' : `a ${maker}`
}

function nearbyFile(path: string): string {
  const folder = dirname(path)
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    return ': check the path'
  }
  const modules = readdirSync(folder).filter((name) => moduleEndings.includes(extname(name)))
  const suggestion = didYouMean(basename(path), modules)
  return suggestion === '' ? ': check the path, or make a new project with tsmcp init' : suggestion
}

async function withTimeout<T>(loading: Promise<T>, name: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new CliError(
          `${name} did not finish loading in ${loadTimeoutMs / 1000} s: look for a top-level await that never settles`,
        ),
      )
    }, loadTimeoutMs)
  })
  try {
    return await Promise.race([loading, late])
  } finally {
    clearTimeout(timer)
  }
}
