import { createHash } from 'node:crypto'
import type { JsonObject, Tool } from '../../protocol/types.ts'

/** Whether a tool is as it was approved. */
export type Approval = 'approved' | 'new' | 'changed'

/** The hashes of the approved tools, by upstream and the tool's name there. */
export type LockedTools = ReadonlyMap<string, ReadonlyMap<string, string>>

const hashes = new WeakMap<Tool, string>()

/** SHA-256 of what a model is told of a tool: description, schemas and the hints about it. */
export function toolHash(tool: Tool): string {
  let hash = hashes.get(tool)
  if (hash === undefined) {
    const { name, title, description, inputSchema, outputSchema, annotations } = tool
    const told = { name, title, description, inputSchema, outputSchema, annotations }
    hash = createHash('sha256')
      .update(JSON.stringify(sorted(told)))
      .digest('hex')
    hashes.set(tool, hash)
  }
  return hash
}

/** What the lock says of a tool; without a lock all are approved. */
export function approvalOf(
  locked: LockedTools | undefined,
  upstream: string,
  tool: Tool,
): Approval {
  if (locked === undefined) return 'approved'
  const hash = locked.get(upstream)?.get(tool.name)
  if (hash === undefined) return 'new'
  return hash === toolHash(tool) ? 'approved' : 'changed'
}

/** The same value whatever the order in which a server writes its members. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value as JsonObject).filter(([, each]) => each !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([name, each]) => [name, sorted(each)]))
}
