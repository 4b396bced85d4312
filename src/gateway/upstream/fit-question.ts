import { randomId } from '../../internal/random-id.ts'
import { shapeElicitationSchema } from '../../protocol/elicitation-schema.ts'
import { isJsonObject } from '../../protocol/json-rpc.ts'
import type { Revision } from '../../protocol/revisions/index.ts'
import type { ElicitationSchema, JsonObject } from '../../protocol/types.ts'

/** A question of an upstream in the words of the client's revision. */
export function fitQuestion(revision: Revision, method: string, params: JsonObject): JsonObject {
  if (method !== 'elicitation/create') return params
  const rules = revision.elicitation
  if (params.mode === 'url') {
    const needsId = rules?.elicitationId === true && params.elicitationId === undefined
    return needsId ? { ...params, elicitationId: randomId() } : params
  }
  const fitted = { ...params }
  if (rules?.modeMember !== true) delete fitted.mode
  if (isJsonObject(params.requestedSchema)) {
    const schema = params.requestedSchema as unknown as ElicitationSchema
    fitted.requestedSchema = shapeElicitationSchema(revision, schema)
  }
  return fitted
}
