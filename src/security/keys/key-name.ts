import { isJsonObject } from '../../protocol/json-rpc.ts'
import type { AuthInfo } from '../../protocol/types.ts'

/** The name of the API key that a caller has come with; undefined where it came with something else. */
export function keyNameOf(caller: AuthInfo): string | undefined {
  const key = caller.claims?.api_key
  return isJsonObject(key) && typeof key.name === 'string' ? key.name : undefined
}
