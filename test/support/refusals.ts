import assert from 'node:assert/strict'
import type { Answer, HttpClient } from './http.ts'
import { firstText, leaksInternals, type Message } from './messages.ts'

/** What a refused message gets. */
export interface Refusal {
  status: number
  code: number
  /** The id that is echoed; undefined: no id at all. */
  id?: string | number | undefined
  message: RegExp
}

/** Checks status, type, code, id and message of a refusal, and that it tells nothing of the inside. */
export function assertRefused(answer: Answer, { status, code, id, message }: Refusal): void {
  assert.equal(answer.status, status, answer.text)
  assert.match(String(answer.headers['content-type']), /^application\/json/)
  assertError(answer.message, { code, id, message })
}

/** Checks an error response, whatever carried it. */
export function assertError(
  response: Message,
  { code, id, message }: Omit<Refusal, 'status'>,
): void {
  const text = JSON.stringify(response)
  assert.equal(response.jsonrpc, '2.0', text)
  assert.equal(response.error?.code, code, text)
  assert.match(response.error.message, message)
  assert.equal(Object.hasOwn(response, 'id'), id !== undefined, `id of ${text}`)
  assert.equal(response.id, id)
  assert.equal(response.result, undefined)
  assert.ok(!leaksInternals(response.error.message), response.error.message)
}

/** Checks a tool result that tells the model of a failure. */
export function assertToolError(response: Message, message: RegExp): void {
  assert.equal(response.result?.isError, true, JSON.stringify(response))
  assert.match(firstText(response), message)
  assert.ok(!leaksInternals(firstText(response)), firstText(response))
}

/** A good request of either era still works. */
export async function assertAlive(client: HttpClient): Promise<void> {
  const answer = await client.stateless('tools/call', { name: 'echo', arguments: { text: 'hi' } })
  assert.equal(answer.status, 200, answer.text)
  assert.equal(firstText(answer.message), 'hi')
}
