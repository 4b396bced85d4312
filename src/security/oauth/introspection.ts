import { isJsonObject } from '../../protocol/json-rpc.ts'
import type { JsonObject } from '../../protocol/types.ts'
import type { IntrospectionOptions } from './options.ts'
import { invalidToken, unavailable } from './refusals.ts'
import { fetchJson } from './safe-fetch.ts'

/**
 * Asks an authorization server what a token is (RFC 7662).
 *
 * @throws McpError UNAUTHORIZED when it is none, AUTHORIZATION_UNAVAILABLE when there is no answer
 */
export async function introspect(
  token: string,
  endpoint: string,
  issuer: string,
  { clientId, clientSecret }: IntrospectionOptions,
): Promise<JsonObject> {
  let answer: unknown
  try {
    answer = await fetchJson({
      url: endpoint,
      issuer: new URL(issuer),
      form: new URLSearchParams({ token, token_type_hint: 'access_token' }),
      headers: { authorization: basic(clientId, clientSecret) },
    })
  } catch (error) {
    throw unavailable(error)
  }
  if (!isJsonObject(answer)) throw unavailable(new Error('the introspection is no object'))
  if (answer.active !== true) throw invalidToken('The token is not valid')
  const { iss = issuer, active: _, ...claims } = answer
  if (iss !== issuer) throw invalidToken('The token is not valid')
  return { ...claims, iss }
}

/** RFC 6749, 2.3.1: both are form-encoded before they are put together. */
function basic(clientId: string, clientSecret: string): string {
  const encoded = [clientId, clientSecret].map((each) =>
    new URLSearchParams({ '': each }).toString().slice(1),
  )
  return `Basic ${Buffer.from(encoded.join(':')).toString('base64')}`
}
