import type { AuthInfo } from '../protocol/types.ts'
import type { Authenticator, AuthRequest } from '../server/authenticator.ts'
import { isPromise } from '../server/maybe-promise.ts'

/**
 * Several ways to be let in, for instance a token or a certificate. The first that finds credentials of its kind
 * decides: where it finds them no good, the others are not asked.
 *
 * @param authenticators - in the order in which they are asked; the first that has one says what clients are to bring
 */
export function firstOf(...authenticators: readonly Authenticator[]): Authenticator {
  const ask = (
    request: AuthRequest,
    index: number,
  ): AuthInfo | undefined | Promise<AuthInfo | undefined> => {
    const authenticator = authenticators[index]
    if (authenticator === undefined) return undefined
    const found = authenticator.authenticate(request)
    if (isPromise(found)) {
      return (found as Promise<AuthInfo | undefined>).then(
        (late) => late ?? ask(request, index + 1),
      )
    }
    return found ?? ask(request, index + 1)
  }
  const challenger = authenticators.find(({ challenge }) => challenge !== undefined)
  return {
    authenticate: (request) => ask(request, 0),
    ...(challenger !== undefined && {
      challenge: (refusal) => challenger.challenge?.(refusal) ?? [],
    }),
    isCurrent: (authInfo, nowMs) =>
      authenticators.every((each) => each.isCurrent?.(authInfo, nowMs) ?? true),
    share: (shared) => {
      for (const each of authenticators) each.share?.(shared)
    },
    documents: new Map(authenticators.flatMap(({ documents = new Map() }) => [...documents])),
  }
}
