import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Client, type ClientCapabilities } from '@modelcontextprotocol/client'
import { readGatewayText } from '../../src/gateway/config/read-gateway-file.ts'
import { Gateway, type GatewayOptions } from '../../src/gateway/gateway.ts'
import type { GatewayLogEntry } from '../../src/gateway/gateway-log.ts'
import { connectInMemory } from '../../src/memory.ts'
import type { Servable } from '../../src/server/service.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A command of a package that the tests have installed. */
export function installed(name: string): string {
  return join(root, 'node_modules/.bin', name)
}

/** The entry of the fixture in an mcp.json. */
export function fixture(tsmcp: object = {}, env: Record<string, string> = {}) {
  return {
    command: process.execPath,
    args: [join(root, 'test/gateway/fixture-upstream.ts')],
    env,
    tsmcp,
  }
}

/** The entry of the official SDK's server of everything. */
export function everything(tsmcp: object = {}, env: Record<string, string> = {}) {
  return { command: installed('mcp-server-everything'), args: ['stdio'], env, tsmcp }
}

/** A configuration as its file would have it. */
export function configOf(mcpServers: object, env: Record<string, string> = {}, own: object = {}) {
  return readGatewayText(JSON.stringify({ mcpServers, tsmcp: own }), join(root, 'mcp.json'), env)
}

export interface TestGateway {
  readonly gateway: Gateway
  readonly logs: GatewayLogEntry[]
  /** Settles when a line that fits is logged, or was. */
  logged(pattern: RegExp): Promise<GatewayLogEntry>
}

/** A gateway that is closed after the test. */
export async function openGateway(
  t: TestContext,
  mcpServers: object,
  options: Partial<GatewayOptions> & { env?: Record<string, string>; own?: object } = {},
): Promise<TestGateway> {
  const logs: GatewayLogEntry[] = []
  const waiting = new Set<() => void>()
  const { env, own, ...more } = options
  const gateway = new Gateway(configOf(mcpServers, env, own), {
    log: (entry) => {
      logs.push(entry)
      for (const wake of waiting) wake()
    },
    ...more,
  })
  t.after(() => gateway.close())
  await gateway.ready()
  return {
    gateway,
    logs,
    logged: async (pattern) => {
      for (;;) {
        const found = logs.find(({ text }) => pattern.test(text))
        if (found !== undefined) return found
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            waiting.delete(wake)
            resolve()
          }
          waiting.add(wake)
        })
      }
    },
  }
}

/** The official client in an era, over an in-memory connection. */
export const eras = ['2025-11-25', '2026-07-28'] as const
export type Era = (typeof eras)[number]

export const able: ClientCapabilities = {
  sampling: {},
  elicitation: { form: {}, url: {} },
  roots: { listChanged: true },
}

/** Connects an official client that answers what it is asked. */
export async function connect(
  t: TestContext,
  server: Servable,
  era: Era = '2025-11-25',
  { name = 'Ada', capabilities = able } = {},
): Promise<Client> {
  const client = new Client(
    { name: 'test', version: '1' },
    {
      capabilities,
      versionNegotiation: { mode: era === '2025-11-25' ? 'legacy' : { pin: era } },
    },
  )
  if (capabilities.elicitation !== undefined) {
    client.setRequestHandler('elicitation/create', async () => ({
      action: 'accept',
      content: { name },
    }))
  }
  if (capabilities.sampling !== undefined) {
    client.setRequestHandler('sampling/createMessage', async () => ({
      role: 'assistant',
      model: 'test',
      content: { type: 'text', text: `A word of ${name}` },
    }))
  }
  if (capabilities.roots !== undefined) {
    client.setRequestHandler('roots/list', async () => ({
      roots: [{ uri: `file:///home/${name}`, name }],
    }))
  }
  await client.connect(connectInMemory(server) as never)
  t.after(() => client.close())
  return client
}

/** The text that a tool answers with. */
export async function callText(
  client: Client,
  name: string,
  args: Record<string, unknown> = {},
): Promise<string> {
  const result = await client.callTool({ name, arguments: args })
  const [block] = result.content as { text?: string }[]
  return block?.text ?? ''
}

/** Whether there is a process, and no zombie. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return !/^\d+ \(.*\) [ZX]/s.test(stat)
  } catch {
    return false
  }
}

/** Waits for something to become true. */
export async function until(isTrue: () => boolean, patienceMs = 20_000): Promise<void> {
  const untilMs = Date.now() + patienceMs
  while (!isTrue()) {
    if (Date.now() > untilMs) throw new Error('It has not become true in time')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
