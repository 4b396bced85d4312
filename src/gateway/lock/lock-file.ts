import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import type { Tool } from '../../protocol/types.ts'
import { GatewayFileError } from '../config/gateway-file-error.ts'
import { type JsonValue, parseJsonFile } from '../config/json-value.ts'
import { type LockedTools, toolHash } from './lock.ts'

const formatVersion = 1
const sha256 = /^[0-9a-f]{64}$/

/** The lock file that belongs to a configuration file: `mcp.lock.json` beside `mcp.json`. */
export function lockPathOf(configPath: string): string {
  const ending = extname(configPath)
  const name = configPath.slice(dirname(configPath).length, configPath.length - ending.length)
  return join(dirname(configPath), `${name.replace(/^[/\\]/, '')}.lock.json`)
}

/**
 * Reads a lock file.
 *
 * @returns undefined when there is none
 * @throws GatewayFileError with line and reason
 */
export function readLockFile(path: string): LockedTools | undefined {
  if (!existsSync(path)) return undefined
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    throw new GatewayFileError(path, 1, 1, `the file cannot be read (${code})`)
  }
  const root: JsonValue = parseJsonFile(text, path)
  const members = root.members(['version', 'upstreams'])
  const version = members.get('version')
  if (version === undefined) root.fail('there is no version')
  if (version.integer(1) !== formatVersion) version.fail(`must be ${formatVersion}`)
  const locked = new Map<string, Map<string, string>>()
  for (const [name, upstream] of members.get('upstreams')?.members() ?? []) {
    const tools = new Map<string, string>()
    for (const [tool, hash] of upstream.members(['tools']).get('tools')?.members() ?? []) {
      if (!sha256.test(hash.string())) hash.fail('must be a SHA-256 in hexadecimal')
      tools.set(tool, hash.string())
    }
    locked.set(name, tools)
  }
  return locked
}

/** Writes a lock file, whole or not at all. */
export function writeLockFile(path: string, locked: LockedTools): void {
  const upstreams = Object.fromEntries(
    [...locked]
      .toSorted(byName)
      .map(([name, tools]) => [name, { tools: Object.fromEntries([...tools].toSorted(byName)) }]),
  )
  const temporary = `${path}.${process.pid}.new`
  writeFileSync(
    temporary,
    `${JSON.stringify({ version: formatVersion, upstreams }, undefined, 2)}\n`,
  )
  renameSync(temporary, path)
}

/** One tool that is not as the lock has it. */
export interface LockDifference {
  readonly upstream: string
  readonly tool: string
  readonly kind: 'new' | 'changed' | 'gone'
}

/** What upstreams offer, by their names; of one that could not be asked nothing is there. */
export type OfferedTools = ReadonlyMap<string, readonly Tool[]>

/** How what the upstreams offer differs from the lock. Of upstreams that are not `offered` nothing is said. */
export function compareWithLock(
  locked: LockedTools | undefined,
  offered: OfferedTools,
): LockDifference[] {
  const differences: LockDifference[] = []
  for (const [upstream, tools] of offered) {
    const known = locked?.get(upstream)
    for (const tool of tools) {
      const hash = known?.get(tool.name)
      if (hash === undefined) differences.push({ upstream, tool: tool.name, kind: 'new' })
      else if (hash !== toolHash(tool)) {
        differences.push({ upstream, tool: tool.name, kind: 'changed' })
      }
    }
    const names = new Set(tools.map(({ name }) => name))
    for (const tool of known?.keys() ?? []) {
      if (!names.has(tool)) differences.push({ upstream, tool, kind: 'gone' })
    }
  }
  return differences
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}
