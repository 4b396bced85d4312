import { McpError } from '../../protocol/errors.ts'
import { type TaskInputRequest, withRelatedTask } from '../../protocol/tasks.ts'
import type { JsonObject } from '../../protocol/types.ts'
import { EventStream } from '../../sessions/event-stream.ts'
import type { Outlet, Session } from '../../sessions/session.ts'
import { answerProblem } from '../client-requests.ts'

interface Question extends TaskInputRequest {
  readonly isGood: (answer: JsonObject) => boolean
  readonly resolve: (answer: JsonObject) => void
  readonly reject: (error: Error) => void
  /** Aborted when the question is settled: requests that carry it to a client are taken back. */
  readonly settled: AbortController
  /** Waiting requests on whose streams it has been sent, by the signal that says when they wait no longer. */
  readonly sentTo: Set<AbortSignal>
  /** The stream outside of any request on which it has been sent. */
  sentOn: Outlet | undefined
}

/** Questions that one task may have open at a time. */
const maxOpen = 64

/**
 * What a task asks of its client. In the extension the client finds the questions in the task and answers with
 * `tasks/update`. In 2025-11-25 they are sent to it as requests: on the stream that it listens to, or when it waits in
 * `tasks/result` (tasks#input-required-status).
 */
export class TaskQuestions {
  readonly #taskId: string
  readonly #onChange: () => void
  readonly #open = new Map<string, Question>()
  /** Keys are never used twice in the life of a task (SEP-2663, task-update-requests). */
  readonly #usedKeys = new Set<string>()
  #count = 0

  /** @param onChange - called when a question has come or gone */
  constructor(taskId: string, onChange: () => void) {
    this.#taskId = taskId
    this.#onChange = onChange
  }

  get size(): number {
    return this.#open.size
  }

  /** The open questions by their keys, as JSON. */
  get requests(): { [key: string]: TaskInputRequest } {
    return Object.fromEntries(
      [...this.#open].map(([key, { method, params }]) => [key, { method, params }]),
    )
  }

  /** Opens a question and waits for its answer. @throws McpError when too many are open */
  ask(
    wantedKey: string | undefined,
    method: string,
    params: JsonObject,
    isGood: (answer: JsonObject) => boolean,
  ): Promise<JsonObject> {
    if (this.#open.size >= maxOpen) {
      throw new McpError('INTERNAL_ERROR', `A task may have ${maxOpen} questions open at a time`)
    }
    const { promise, resolve, reject } = Promise.withResolvers<JsonObject>()
    this.#open.set(this.#newKey(wantedKey), {
      method,
      params,
      isGood,
      resolve,
      reject,
      settled: new AbortController(),
      sentTo: new Set(),
      sentOn: undefined,
    })
    this.#onChange()
    return promise
  }

  /**
   * Takes the answers of a `tasks/update`. Those to questions that are not open are ignored; of the others either all
   * are taken or none.
   *
   * @throws McpError INVALID_PARAMS that names the answer which does not fit its question; all stay open
   */
  answer(responses: JsonObject): void {
    const fitting: [key: string, question: Question, answer: JsonObject][] = []
    for (const [key, answer] of Object.entries(responses)) {
      const question = this.#open.get(key)
      if (question === undefined) continue
      const problem = problemOf(question, answer)
      if (problem !== undefined) {
        throw new McpError('INVALID_PARAMS', `Invalid params: inputResponses.${key} ${problem}`)
      }
      fitting.push([key, question, answer as JsonObject])
    }
    for (const [key, question, answer] of fitting) {
      this.#close(key, question)
      question.resolve(answer)
    }
    if (fitting.length > 0) this.#onChange()
  }

  /**
   * Sends the open questions, as requests of our own, on the stream of a client that waits for the task. Those that it
   * has, or that are on their way on the stream it listens to, are not sent again.
   *
   * @param signal - aborted when the client waits no longer; the questions then go to the next who does
   */
  deliver(session: Session, outlet: Outlet, signal: AbortSignal): void {
    for (const [key, question] of this.#open) {
      if (question.sentTo.has(signal) || isListenedTo(question.sentOn)) continue
      question.sentTo.add(signal)
      const either = AbortSignal.any([signal, question.settled.signal])
      this.#send(key, question, session, outlet, either, () => question.sentTo.delete(signal))
    }
  }

  /** Sends the open questions on the stream that a client listens to, if it does and nobody has them yet. */
  announce(session: Session): void {
    const { outlet } = session
    if (outlet === undefined || !isListenedTo(outlet)) return
    for (const [key, question] of this.#open) {
      if (question.sentTo.size > 0 || isListenedTo(question.sentOn)) continue
      question.sentOn = outlet
      this.#send(key, question, session, outlet, question.settled.signal, () => {
        question.sentOn = undefined
      })
    }
  }

  /** No answer will come any more. */
  rejectAll(error: McpError): void {
    for (const [key, question] of this.#open) {
      this.#close(key, question)
      question.reject(error)
    }
  }

  #send(
    key: string,
    question: Question,
    session: Session,
    outlet: Outlet,
    signal: AbortSignal,
    onLost: () => void,
  ): void {
    const params = withRelatedTask(question.params, this.#taskId)
    session.request(question.method, params, outlet, signal).then(
      (answer) => this.#answered(key, question, answer),
      (error: Error) => {
        onLost()
        // Taken back, or lost with its session: it stays open for whoever comes next.
        const isLost = error instanceof McpError && error.code === 'REQUEST_CANCELLED'
        if (!signal.aborted && !isLost) this.#settle(key, question, error)
      },
    )
  }

  #answered(key: string, question: Question, answer: JsonObject): void {
    const problem = problemOf(question, answer)
    const error =
      problem === undefined
        ? undefined
        : new McpError('INTERNAL_ERROR', `The client's answer to ${question.method} ${problem}`)
    this.#settle(key, question, error ?? answer)
  }

  #settle(key: string, question: Question, outcome: JsonObject | Error): void {
    if (!this.#close(key, question)) return
    if (outcome instanceof Error) question.reject(outcome)
    else question.resolve(outcome)
    this.#onChange()
  }

  #close(key: string, question: Question): boolean {
    if (this.#open.get(key) !== question) return false
    this.#open.delete(key)
    question.settled.abort(new McpError('REQUEST_CANCELLED'))
    return true
  }

  #newKey(wanted: string | undefined): string {
    let key = wanted
    while (key === undefined || this.#usedKeys.has(key)) {
      this.#count += 1
      key = `${wanted ?? 'input'}_${this.#count}`
    }
    this.#usedKeys.add(key)
    return key
  }
}

/** Whether there is somebody at the other end: a connection, or a stream with a response under it. */
function isListenedTo(outlet: Outlet | undefined): boolean {
  if (outlet instanceof EventStream) return outlet.isAttached
  return outlet !== undefined
}

function problemOf({ method, isGood }: Question, answer: unknown): string | undefined {
  const problem = answerProblem(method, answer)
  if (problem !== undefined) return problem
  return isGood(answer as JsonObject) ? undefined : 'does not fit what was asked'
}
