import { McpError, quoted } from '../protocol/errors.ts'
import { isJsonObject } from '../protocol/json-rpc.ts'
import type { JsonObject } from '../protocol/types.ts'
import { answerProblem } from './client-requests.ts'

/** Thrown through a handler that asked for something it has no answer to yet. Never shown to anybody. */
export class InputRequired extends Error {
  override readonly name = 'InputRequired'
}

/**
 * One round of a request that may need input (2026-07-28, basic/patterns/mrtr): the answers at hand, and what the
 * handler has asked for without finding an answer.
 */
export class InputRound {
  readonly #answers: Record<string, JsonObject>
  /** Questions of this round that go to the client. */
  readonly needed = new Map<string, { method: string; params: JsonObject }>()
  /** Answers that the handler has read: what a next round must have again. */
  readonly used: Record<string, JsonObject> = Object.create(null)
  #count = 0

  /**
   * @param inputResponses - the request's own, by the key of the question
   * @param carried - answers of earlier rounds, from a verified state
   * @throws McpError INVALID_PARAMS when they are not an object of objects
   */
  constructor(inputResponses: unknown, carried: Readonly<Record<string, JsonObject>>) {
    if (inputResponses !== undefined && !isJsonObject(inputResponses)) {
      throw new McpError('INVALID_PARAMS', 'Invalid params: inputResponses must be an object')
    }
    for (const [key, answer] of Object.entries(inputResponses ?? {})) {
      if (!isJsonObject(answer)) {
        throw new McpError(
          'INVALID_PARAMS',
          `Invalid params: inputResponses.${quoted(key)} must be an object`,
        )
      }
    }
    this.#answers = Object.assign(Object.create(null), carried, inputResponses)
  }

  /**
   * The answer to a question, or the request for it.
   *
   * @param isGood - what the answer must satisfy beyond its shape; one that does not is asked for again
   * @throws InputRequired when there is no good answer yet; the round has noted the question
   * @throws McpError INVALID_PARAMS when the answer has the wrong shape for its question
   */
  ask(
    key: string | undefined,
    method: string,
    params: JsonObject,
    isGood: (answer: JsonObject) => boolean,
  ): JsonObject {
    this.#count += 1
    const name = key ?? `input_${this.#count}`
    if (this.needed.has(name) || name in this.used) {
      throw new TypeError(`Two questions of one request have the key "${name}"`)
    }
    const answer = this.#answers[name]
    if (answer !== undefined) {
      const problem = answerProblem(method, answer)
      if (problem !== undefined) {
        throw new McpError('INVALID_PARAMS', `Invalid params: inputResponses.${name} ${problem}`)
      }
      if (isGood(answer)) {
        this.used[name] = answer
        return answer
      }
    }
    this.needed.set(name, { method, params })
    throw new InputRequired(`The handler waits for the answer "${name}"`)
  }
}
