import { readFileSync, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { type Environment, Variables } from './expand.ts'
import type { GatewayConfig, UpstreamConfig } from './gateway-config.ts'
import { GatewayFileError } from './gateway-file-error.ts'
import { type JsonValue, parseJsonFile } from './json-value.ts'
import { readUpstream } from './read-upstream.ts'

const maxFileBytes = 4 * 1024 * 1024
const maxUpstreams = 1000
const maxNameLength = 100

/**
 * Reads the `mcpServers` file of a desktop host.
 *
 * @param path - absolute
 * @param env - for the variables in it
 * @throws GatewayFileError with line and reason
 */
export function readGatewayFile(path: string, env: Environment): GatewayConfig {
  return readGatewayText(textOf(path), path, env)
}

function textOf(path: string): string {
  try {
    const { size } = statSync(path)
    if (size <= maxFileBytes) return readFileSync(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    throw new GatewayFileError(path, 1, 1, `the file cannot be read (${code})`)
  }
  throw new GatewayFileError(path, 1, 1, `the file is larger than ${maxFileBytes} bytes`)
}

/** @throws GatewayFileError */
export function readGatewayText(text: string, path: string, env: Environment): GatewayConfig {
  if (/\.ya?ml$/i.test(path)) return openApiConfig(path)
  const root: JsonValue = parseJsonFile(text, path)
  const members = root.members()
  if (members.has('openapi')) return openApiConfig(path)
  // VS Code calls it `servers`.
  const servers = members.get('mcpServers') ?? members.get('servers')
  if (servers === undefined) root.fail('there is no mcpServers, nor is it an OpenAPI document')
  const folder = dirname(path)
  const upstreams: UpstreamConfig[] = []
  const prefixes = new Map<string, string>()
  for (const [name, entry] of servers.members()) {
    checkName(name, entry)
    const upstream = readUpstream(name, entry, new Variables(env, folder), folder)
    if (upstream === undefined) continue
    const other = prefixes.get(upstream.prefix)
    if (other !== undefined && upstream.prefix !== '') {
      entry.fail(`has the prefix ${upstream.prefix}, as ${other} has: give one of them another`)
    }
    prefixes.set(upstream.prefix, name)
    upstreams.push(upstream)
  }
  if (upstreams.length > maxUpstreams) servers.fail(`has more than ${maxUpstreams} servers`)
  const own = members.get('tsmcp')?.members(['name', 'version', 'pageSize'])
  return {
    name: own?.get('name')?.string() ?? 'tsmcp-gateway',
    version: own?.get('version')?.string() ?? '1.0.0',
    pageSize: own?.get('pageSize')?.integer(1, 100_000) ?? 1000,
    // The order does not depend on that of the file: of two equal names the first wins.
    upstreams: upstreams.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  }
}

/** An OpenAPI document alone, as if it stood in a configuration: its operations keep their names. */
function openApiConfig(path: string): GatewayConfig {
  const entry = { openapi: path, tsmcp: { prefix: '' } }
  const text = JSON.stringify({ mcpServers: { [basename(path)]: entry } })
  return { ...readGatewayText(text, `${path}.json`, {}), name: basename(path) }
}

function checkName(name: string, entry: JsonValue): void {
  if (name === '' || name.length > maxNameLength || /\p{Cc}/u.test(name)) {
    entry.fail(`needs a name of 1 to ${maxNameLength} characters`)
  }
}
