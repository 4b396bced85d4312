import { McpError } from '../../protocol/errors.ts'
import { progressToken } from '../../protocol/meta.ts'
import type { JsonObject, LogLevel } from '../../protocol/types.ts'
import type { RequestContext } from '../../server/context.ts'
import { InputRequired } from '../../server/input-round.ts'
import type { Secrets } from '../secrets.ts'
import { fitQuestion } from './fit-question.ts'

/** A request of a client while an upstream works on it: the way of whatever the upstream says or asks meanwhile. */
export class Call {
  readonly context: RequestContext
  /** The task of the upstream's that the request has become. */
  taskId: string | undefined
  /** Why the request ends here although the upstream has not answered. */
  left: unknown
  readonly #secrets: Secrets
  readonly #controller = new AbortController()
  readonly #onAbort: () => void

  constructor(context: RequestContext, secrets: Secrets) {
    this.context = context
    this.#secrets = secrets
    this.#onAbort = () => this.#controller.abort(context.signal.reason)
    if (context.signal.aborted) this.#onAbort()
    else context.signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Aborted when the client cancels, or has to be asked first. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** The client wants to hear of progress, or the request is a task, whose status tells of it. */
  get wantsProgress(): boolean {
    return (
      this.context.task !== undefined || progressToken(this.context.request.params) !== undefined
    )
  }

  progress(progress: number, total: number | undefined, message: string | undefined): void {
    const told = message === undefined ? undefined : this.#secrets.text(message)
    this.context.progress(progress, total, told)
  }

  log({ level, data, logger }: JsonObject): void {
    const name = typeof logger === 'string' ? logger : undefined
    this.context.log(level as LogLevel, this.#secrets.value(data), name)
  }

  /** Passes a question on to the client. @throws McpError for the upstream to be told */
  async ask(method: string, params: JsonObject): Promise<JsonObject> {
    try {
      const question = fitQuestion(this.context.peer.revision, method, this.#secrets.value(params))
      return await this.context.ask(method, question)
    } catch (error) {
      if (error instanceof InputRequired) {
        // In the stateless era the client's request ends here, and comes again with the answer. Not at once: other
        // questions of the same turn go out in the same round.
        this.left = error
        setImmediate(() => this.#controller.abort())
        throw new McpError('REQUEST_CANCELLED', 'The client is asked for input')
      }
      throw error instanceof McpError
        ? error
        : new McpError('INTERNAL_ERROR', undefined, { cause: error })
    }
  }

  /** The request is over. */
  end(): void {
    this.context.signal.removeEventListener('abort', this.#onAbort)
  }
}
