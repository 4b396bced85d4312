import type { JsonObject } from '../../protocol/types.ts'

/** The task that a call has become, as far as the call's context needs to know it. */
export interface CallTask {
  readonly taskId: string
  /** Sends a notification of the task to its client, if there is a way to. */
  tell(method: string, params: JsonObject): void
  /** Says in words what the task is doing. */
  describe(message: string): void
  /**
   * Puts a question to the client and waits for the answer.
   *
   * @param isGood - what the answer must satisfy beyond its shape
   */
  ask(
    key: string | undefined,
    method: string,
    params: JsonObject,
    isGood: (answer: JsonObject) => boolean,
  ): Promise<JsonObject>
}
