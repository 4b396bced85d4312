import { McpError } from '../protocol/errors.ts'
import { encodeError, openEnvelope } from '../protocol/json-rpc.ts'
import type { Session } from '../sessions/session.ts'
import type { Engine, RequestOwner } from './engine.ts'
import { type BatchReply, type Reply, responseText } from './reply.ts'

/** A batch of more messages than this is refused. */
const maxMessages = 100

/**
 * Runs a JSON-RPC batch (2025-03-26 only) and answers it once all its requests are answered.
 *
 * @param owner - who can cancel a request of the batch by its id
 * @returns false when the batch held no request, so that there is nothing to answer
 * @throws McpError INVALID_REQUEST when the session's revision has no batches, or the batch is empty, too long, holds
 *   `initialize`, or mixes requests and responses
 */
export function dispatchBatch(
  engine: Engine,
  session: Session,
  values: readonly unknown[],
  reply: BatchReply,
  owner: RequestOwner,
): boolean {
  if (!session.revision.batches) {
    throw invalid(`batches do not exist in ${session.revision.name}: send one message at a time`)
  }
  if (values.length === 0) throw invalid('a batch must not be empty')
  if (values.length > maxMessages) throw invalid(`a batch may hold ${maxMessages} messages`)
  const envelopes = values.map(openEnvelope)
  const requests = envelopes.filter((each) => each.kind === 'request')
  if (requests.some(({ message }) => message.method === 'initialize')) {
    throw invalid('initialize must not be part of a batch')
  }
  if (requests.length > 0 && envelopes.some((each) => each.kind === 'response')) {
    throw invalid('a batch must not mix requests and responses')
  }
  const faults = envelopes.filter((each) => each.kind === 'fault')
  const answers = new BatchAnswers(reply, requests.length + faults.length)
  for (const envelope of envelopes) {
    switch (envelope.kind) {
      case 'fault':
        answers.add(encodeError(envelope.id, envelope.error))
        break
      case 'request':
        engine.dispatch(session, envelope.message, answers.replyToOne(), owner)
        break
      case 'notification':
        if (envelope.message.method === 'notifications/initialized') session.markInitialized()
        else engine.notified(envelope.message, owner, session)
        break
      case 'response':
        session.respond(envelope.message)
        break
    }
  }
  return answers.expected > 0
}

/** Gathers the answers of a batch; what is sent before them goes out at once. */
class BatchAnswers {
  readonly expected: number
  readonly #reply: BatchReply
  readonly #answers: string[] = []
  #settled = 0

  constructor(reply: BatchReply, expected: number) {
    this.#reply = reply
    this.expected = expected
  }

  add(answer: string | undefined): void {
    if (answer !== undefined) this.#answers.push(answer)
    this.#settled += 1
    if (this.#settled < this.expected) return
    if (this.#answers.length === 0) this.#reply.abandon()
    else this.#reply.endBatch(this.#answers)
  }

  replyToOne(): Reply {
    return {
      getHeader: this.#reply.getHeader,
      remoteAddress: this.#reply.remoteAddress,
      send: (json) => this.#reply.send(json),
      end: (response) => this.add(responseText(response)),
      abandon: () => this.add(undefined),
      pause: () => {},
      hold: (cancel) => this.#reply.hold(cancel),
    }
  }
}

function invalid(what: string): McpError {
  return new McpError('INVALID_REQUEST', `Invalid request: ${what}`)
}
