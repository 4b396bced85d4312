import type { Fields } from '../observability/logs/log.ts'
import { exampleArguments, shellQuoted } from './example-arguments.ts'
import type { Introduction } from './introspect.ts'

/** What is known once a server listens. */
export interface Listening {
  /** The MCP endpoint: `http://127.0.0.1:8080/mcp`. */
  readonly url: string
  /** Other ways in, by what they are called. */
  readonly others?: Readonly<Record<string, string>>
  readonly introduction: Introduction | undefined
}

/** The lines that `serve` prints when it listens: where, and what to type next. */
export function bannerLines({ url, others = {}, introduction }: Listening): string[] {
  const local = localUrl(url)
  const lines = [
    `${title(introduction)} is serving${counted(introduction)}`,
    `  MCP       ${local}`,
    `  JSON-RPC  ${sibling(local, '/json-rpc')}  (the same endpoint)`,
    ...Object.entries(others).map(([name, address]) => `  ${name.padEnd(9)} ${address}`),
    `  health    ${sibling(local, '/health')}`,
  ]
  if (local !== url) {
    lines.push(`It listens on ${new URL(url).host}: other machines that reach this one can call it`)
  }
  return [...lines, 'Try it:', `  ${nextCommand({ url, introduction })}`]
}

/** The same as one JSON object, for `--json`. */
export function listeningEvent({ url, others = {}, introduction }: Listening): Fields {
  const local = localUrl(url)
  return {
    event: 'listening',
    url,
    jsonRpc: sibling(url, '/json-rpc'),
    ...Object.fromEntries(
      Object.entries(others).map(([name, address]) => [name.toLowerCase(), address]),
    ),
    health: sibling(url, '/health'),
    pid: process.pid,
    ...(introduction === undefined
      ? {}
      : { name: introduction.name, version: introduction.version, ...introduction.counts }),
    next: nextCommand({ url: local, introduction }),
  }
}

/** A command that shows an answer of this server. */
export function nextCommand({ url, introduction }: Listening): string {
  const local = localUrl(url)
  const [tool] = introduction?.tools ?? []
  if (tool === undefined) return `npx tsmcp list ${local}`
  const given = exampleArguments(tool.inputSchema)
  const parts = [local, tool.name, ...(given === undefined ? [] : [JSON.stringify(given)])]
  return `npx tsmcp call ${parts.map(shellQuoted).join(' ')}`
}

/** `weather 1.0.0`, or a stand-in when the server did not say. */
function title(introduction: Introduction | undefined): string {
  return introduction === undefined
    ? 'The server'
    : `${introduction.name} ${introduction.version}`.trim()
}

function counted(introduction: Introduction | undefined): string {
  const parts = Object.entries(introduction?.counts ?? {})
    .filter(([, count]) => count > 0)
    .map(([plural, count]) => `${count} ${count === 1 ? plural.slice(0, -1) : plural}`)
  return parts.length === 0 ? '' : ` ${parts.join(', ')}`
}

/** Where this machine reaches a server that listens on every address. */
function localUrl(url: string): string {
  const parsed = new URL(url)
  if (parsed.hostname === '0.0.0.0') parsed.hostname = '127.0.0.1'
  if (parsed.hostname === '[::]') parsed.hostname = '[::1]'
  return parsed.href
}

function sibling(url: string, path: string): string {
  return new URL(path, url).href
}

/** What `serve` says at the first signal. */
export function stoppingLine(drainMs: number): string {
  return `stopping: calls in flight have ${drainMs / 1000} s to finish; signal again to stop at once`
}
