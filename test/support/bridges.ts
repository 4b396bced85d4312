/** Programs of others that stand between a client and us: as the client of ours, or in front of our stdio server. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Command, stdioCommand } from './clients.ts'

const fileAt = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
/** Where they keep tokens and logs. */
const home = mkdtempSync(join(tmpdir(), 'tsmcp-bridges-'))
process.once('exit', () => rmSync(home, { recursive: true, force: true }))
const env = { HOME: home, PATH: process.env.PATH ?? '' }

function program(path: string, ...args: string[]): Command {
  return { command: process.execPath, args: [fileAt(path), ...args], env }
}

/** Commands that speak stdio to a host, and to us what stands behind the URL. */
export const bridgeTo = {
  mcpRemote: (url: string, kind: 'http' | 'sse', ...flags: string[]) =>
    program(
      'node_modules/.bin/mcp-remote',
      ...[url, '--allow-http', '--transport', `${kind}-only`, ...flags],
    ),
  /** Its command line only looks the other way; this is its function for this one. */
  mcpProxy: (url: string, kind: 'http' | 'sse', protocol = 'legacy') =>
    program('test/clients/fixtures/mcp-proxy.ts', url, kind, protocol),
  supergateway: (url: string, kind: 'http' | 'sse') =>
    program(
      'node_modules/.bin/supergateway',
      ...[kind === 'sse' ? '--sse' : '--streamableHttp', url, '--logLevel', 'none'],
    ),
}

/** Commands that listen on a port, and start our server as their child. */
const gateways = {
  'mcp-proxy to 2025-11-25': (port: number) => mcpProxy(port, 'legacy'),
  'mcp-proxy to 2026-07-28': (port: number) => mcpProxy(port, 'modern'),
  'supergateway to SSE': (port: number) => supergateway(port, 'sse'),
  'supergateway to Streamable HTTP': (port: number) =>
    supergateway(port, 'streamableHttp', '--stateful'),
  'supergateway to WebSocket': (port: number) => supergateway(port, 'ws'),
}

function mcpProxy(port: number, protocol: string): Command {
  const { command, args } = stdioCommand()
  const flags = ['--port', String(port), '--upstreamProtocol', protocol, '--', command, ...args]
  return program('node_modules/.bin/mcp-proxy', ...flags)
}

function supergateway(port: number, output: string, ...flags: string[]): Command {
  const { command, args } = stdioCommand()
  const child = [command, ...args].map((each) => `'${each}'`).join(' ')
  return program(
    'node_modules/.bin/supergateway',
    ...['--stdio', child, '--outputTransport', output, '--port', String(port)],
    ...['--logLevel', 'none', ...flags],
  )
}

export type GatewayName = keyof typeof gateways
export interface Gateway {
  readonly port: number
  close(): Promise<void>
}

/** Starts a gateway in front of our stdio server. @throws Error with what it has printed, if it ends at once */
export async function startGateway(name: GatewayName): Promise<Gateway> {
  const port = await freePort()
  const { command, args } = gateways[name](port)
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed = (printed + text).slice(-10_000)
    })
  }
  const exited = once(child, 'exit')
  while (!(await isListening(port))) {
    if (child.exitCode !== null) throw new Error(`${name} has ended:\n${printed}`)
    await delay(20)
  }
  return {
    port,
    close: async () => {
      child.stdin.end()
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 8000)
      await exited
      clearTimeout(timer)
    },
  }
}

/** These programs take no port 0. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('No port')
  return address.port
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
