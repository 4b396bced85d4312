import { isJsonObject } from '../../protocol/json-rpc.ts'
import type { JsonObject } from '../../protocol/types.ts'

/** What an operation is done to. */
export type ObjectKind = 'tool' | 'resource' | 'resourceTemplate' | 'prompt'
/** What is decided on: an object, or the method itself where it has none. */
export type TargetKind = ObjectKind | 'method'

/** Methods that say or ask nothing of objects: whoever may call at all may call them, unless it is denied. */
const openMethods: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'server/discover',
  'logging/setLevel',
  'subscriptions/listen',
  'completion/complete',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'resources/directory/read',
  'prompts/list',
  'prompts/get',
  'skills/list',
  'skills/get',
  // Tasks are their owners', whatever else is allowed.
  'tasks/get',
  'tasks/update',
  'tasks/cancel',
  'tasks/result',
  'tasks/list',
])

/** Whether a method needs no permission of its own. */
export function isOpenMethod(method: string): boolean {
  return openMethods.has(method)
}

/** The member of the params that names the object of a method. */
const objectMembers: Readonly<Record<string, { kind: ObjectKind; member: string }>> = {
  'tools/call': { kind: 'tool', member: 'name' },
  'prompts/get': { kind: 'prompt', member: 'name' },
  'resources/read': { kind: 'resource', member: 'uri' },
  'resources/subscribe': { kind: 'resource', member: 'uri' },
  'resources/unsubscribe': { kind: 'resource', member: 'uri' },
  'resources/directory/read': { kind: 'resource', member: 'uri' },
  'skills/get': { kind: 'resource', member: 'uri' },
}

/** What kind of object a method has; undefined where it has none, or several. */
export function objectKindOf(method: string): ObjectKind | undefined {
  return Object.hasOwn(objectMembers, method) ? objectMembers[method]?.kind : undefined
}

/** The one object of a request; undefined where it has none, or several, or does not name it properly. */
export function objectOf(
  method: string,
  params: JsonObject | undefined,
): { kind: ObjectKind; name: string } | undefined {
  if (params === undefined) return undefined
  if (method === 'completion/complete') return referenceOf(params.ref)
  const found = Object.hasOwn(objectMembers, method) ? objectMembers[method] : undefined
  const name = found === undefined ? undefined : params[found.member]
  if (found === undefined || typeof name !== 'string') return undefined
  return { kind: found.kind, name }
}

function referenceOf(ref: unknown): { kind: ObjectKind; name: string } | undefined {
  if (!isJsonObject(ref)) return undefined
  if (ref.type === 'ref/prompt' && typeof ref.name === 'string') {
    return { kind: 'prompt', name: ref.name }
  }
  if (ref.type === 'ref/resource' && typeof ref.uri === 'string') {
    return { kind: 'resourceTemplate', name: ref.uri }
  }
  return undefined
}

/** The resources that `subscriptions/listen` asks to hear of. */
export function listenedResources(params: JsonObject | undefined): readonly string[] {
  const wanted = params?.notifications
  const uris = isJsonObject(wanted) ? wanted.resourceSubscriptions : undefined
  return Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string') : []
}

/** `.` or `..` as a part of a path, in whatever disguise: what a handler makes of it is not what the policy has seen. */
export function hasDotSegment(uri: string): boolean {
  if (!uri.includes('.') && !uri.includes('%')) return false
  return /(?:^|[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:$|[/\\?#]|%2f|%5c)/i.test(uri)
}
