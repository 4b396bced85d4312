import type { AuthInfo } from '../../protocol/types.ts'
import type { Decision } from './decision-cache.ts'
import { objectKindOf } from './operation.ts'
import type { Authorizer } from './role-policy.ts'

/**
 * What a policy says of an operation: the same as for a request of that method, on the object of that name.
 *
 * @param name - the tool, prompt or URI; left out for methods that have none
 */
export function decide(
  authorizer: Authorizer,
  caller: AuthInfo | undefined,
  method: string,
  name: string | undefined,
): Decision {
  const access = authorizer.accessOf(caller)
  const ofMethod = access.decide('method', method)
  const kind = objectKindOf(method)
  if (!ofMethod.allowed || kind === undefined || name === undefined) return ofMethod
  return access.decide(kind, name)
}
