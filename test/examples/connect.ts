import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { type CallToolResult, Client, type ClientOptions } from '@modelcontextprotocol/client'
import type { Servable } from 'tsmcp'
import { connectInMemory } from 'tsmcp/memory'

/** The two eras of the protocol, as the official client is told to speak them. */
export const eras = [
  { era: '2025-11-25', versionNegotiation: { mode: 'legacy' } },
  { era: '2026-07-28', versionNegotiation: { mode: { pin: '2026-07-28' } } },
] as const satisfies { era: string; versionNegotiation: ClientOptions['versionNegotiation'] }[]
export type Era = (typeof eras)[number]

/** The official client, connected in memory and closed at the end of the test. */
export async function connect(
  t: TestContext,
  server: Servable,
  { versionNegotiation }: Era,
  options: ClientOptions = {},
): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' }, { ...options, versionNegotiation })
  await client.connect(connectInMemory(server))
  t.after(() => client.close())
  return client
}

/** Calls a tool that is to succeed, and gives its structured content. */
export async function answer(
  client: Client,
  name: string,
  args: Record<string, unknown> = {},
): Promise<Record<string, unknown>> {
  const result = await client.callTool({ name, arguments: args })
  assert.equal(result.isError ?? false, false, `${name} failed: ${textOf(result)}`)
  assert.ok(result.structuredContent, `${name} gave no structured content`)
  return result.structuredContent as Record<string, unknown>
}

/** Calls a tool that is to fail, and gives its message. */
export async function failure(
  client: Client,
  name: string,
  args: Record<string, unknown> = {},
): Promise<string> {
  const result = await client.callTool({ name, arguments: args })
  assert.equal(result.isError, true, `${name} did not fail: ${textOf(result)}`)
  return textOf(result)
}

/** The text blocks of a result. */
export function textOf({ content }: CallToolResult): string {
  return content.flatMap((block) => (block.type === 'text' ? block.text : [])).join('\n')
}
