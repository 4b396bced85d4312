import { McpError } from '../../protocol/errors.ts'
import { encodeNotification } from '../../protocol/json-rpc.ts'
import { isTerminal, type TaskRecord, withRelatedTask } from '../../protocol/tasks.ts'
import type { JsonObject } from '../../protocol/types.ts'
import { Session } from '../../sessions/session.ts'
import type { RequestContext } from '../context.ts'
import { mapMaybe } from '../maybe-promise.ts'
import type { CallTask } from './call-task.ts'
import { TaskQuestions } from './task-questions.ts'

/** Who waits for the end of a task in `tasks/result`. */
interface Waiter {
  readonly context: RequestContext
  readonly resolve: (task: TaskRecord) => void
}

/** A task whose handler runs in this process: its state, its questions, and who waits for it. */
export class LiveTask implements CallTask {
  readonly questions: TaskQuestions
  readonly #context: RequestContext
  readonly #onChange: (task: LiveTask, isNews: boolean) => void | Promise<void>
  readonly #waiters = new Set<Waiter>()
  #record: TaskRecord
  /** What the client may be told: the last state that the store has. */
  shown: TaskRecord
  /** Settled when `shown` is the newest state. */
  kept: void | Promise<void> = undefined

  /**
   * @param context - of the call that has become the task
   * @param onChange - called with each new state, the last one included, and whether its client wants to hear of it;
   *   gives a promise if the state has to be kept before anybody may be told, which never rejects
   */
  constructor(
    record: TaskRecord,
    context: RequestContext,
    onChange: (task: LiveTask, isNews: boolean) => void | Promise<void>,
  ) {
    this.#record = record
    this.shown = record
    this.#context = context
    this.#onChange = onChange
    this.questions = new TaskQuestions(record.taskId, () => this.#questionsChanged())
  }

  /** The state of the task; a new object with each change. */
  get record(): TaskRecord {
    return this.#record
  }
  get taskId(): string {
    return this.#record.taskId
  }
  get isOver(): boolean {
    return isTerminal(this.#record.status)
  }
  /** Milliseconds since 1970 at which the task's time runs out. */
  get expiresAtMs(): number {
    return this.#record.createdAtMs + this.#record.ttlMs
  }
  /** The session that began it; undefined in the stateless era. */
  get session(): Session | undefined {
    const { peer } = this.#context
    return peer instanceof Session ? peer : undefined
  }

  // A task that is over stays as it is, whatever its handler does later.

  complete(result: JsonObject): void {
    this.#finish({ status: 'completed', result })
  }

  fail(error: McpError): void {
    const { name, ...json } = {
      name: error.code,
      code: error.rpcCode(this.#context.peer.revision.errorCodes),
      message: error.message,
      ...(error.data !== undefined && { data: error.data }),
    }
    this.#finish({ status: 'failed', statusMessage: error.message, error: { name, ...json } })
  }

  /** Ends the task before its handler does, and tells the handler to stop. */
  cancel(reason: string): void {
    if (this.isOver) return
    this.#finish({ status: 'cancelled', statusMessage: reason })
    this.#context.abort(new McpError('REQUEST_CANCELLED', reason))
  }

  /** Ends the task with an error in the handler's stead, and tells the handler to stop. */
  stop(error: McpError): void {
    if (this.isOver) return
    this.fail(error)
    this.#context.abort(error)
  }

  tell(method: string, params: JsonObject): void {
    // The extension has no progress and no log messages for tasks (SEP-2663, task-status-notifications).
    if (this.isOver || this.#record.form !== 'augmented') return
    const outlet = [...this.#waiters].at(-1)?.context.reply ?? this.session?.outlet
    outlet?.send(encodeNotification(method, withRelatedTask(params, this.taskId)))
  }

  describe(message: string): void {
    if (!this.isOver) this.#change({ statusMessage: message }, false)
  }

  async ask(
    key: string | undefined,
    method: string,
    params: JsonObject,
    isGood: (answer: JsonObject) => boolean,
  ): Promise<JsonObject> {
    if (this.isOver) throw new McpError('REQUEST_CANCELLED', 'The task is over')
    const answer = this.questions.ask(key, method, params, isGood)
    const newest = [...this.#waiters].at(-1)
    if (newest !== undefined) this.#deliver(newest)
    else if (this.session !== undefined) this.announce(this.session)
    return answer
  }

  /** Puts the open questions to a client that listens, where questions are requests. */
  announce(session: Session): void {
    if (this.#record.form === 'augmented') this.questions.announce(session)
  }

  /** The task when it is over. Whoever waits is sent the task's questions meanwhile, if it can be. */
  wait(context: RequestContext): TaskRecord | Promise<TaskRecord> {
    if (this.isOver) return mapMaybe(this.kept, () => this.#record)
    const { promise, resolve } = Promise.withResolvers<TaskRecord>()
    const waiter = { context, resolve }
    this.#waiters.add(waiter)
    context.signal.addEventListener('abort', () => this.#waiters.delete(waiter), { once: true })
    this.#deliver(waiter)
    return promise
  }

  #deliver({ context: { peer, reply, signal } }: Waiter): void {
    if (peer instanceof Session) this.questions.deliver(peer, reply, signal)
  }

  #questionsChanged(): void {
    if (this.isOver) return
    const { size, requests } = this.questions
    if (size > 0) this.#change({ status: 'input_required', inputRequests: requests })
    else this.#change({ status: 'working' })
  }

  #finish(change: Partial<TaskRecord> & { status: TaskRecord['status'] }): void {
    if (this.isOver) return
    this.#change(change)
    const outcome = new McpError('REQUEST_CANCELLED', 'The task is over')
    this.questions.rejectAll(outcome)
    void mapMaybe(this.kept, () => {
      for (const { resolve } of this.#waiters) resolve(this.#record)
      this.#waiters.clear()
    })
  }

  #change(change: Partial<TaskRecord>, isNews = true): void {
    const { inputRequests, statusMessage, ...kept } = this.#record
    const status = change.status ?? kept.status
    this.#record = {
      ...kept,
      ...(status === 'input_required' && inputRequests !== undefined && { inputRequests }),
      // What it was doing last says nothing of how it ended.
      ...(!isTerminal(status) && statusMessage !== undefined && { statusMessage }),
      lastUpdatedAtMs: Date.now(),
      ...change,
    }
    this.kept = this.#onChange(this, isNews)
  }
}
