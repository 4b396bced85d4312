import type { ChildProcess } from 'node:child_process'

interface Question {
  ask: number
  name: string
  argument: unknown
}

interface Answer {
  answer: number
  value?: unknown
  error?: string
}

const isQuestion = (message: unknown): message is Question =>
  typeof message === 'object' && message !== null && 'ask' in message
const isAnswer = (message: unknown): message is Answer =>
  typeof message === 'object' && message !== null && 'answer' in message

let lastQuestion = 0

/** Asks a child process over its IPC channel; rejects when it fails, dies or is too slow. */
export function ask<Value>(
  child: ChildProcess,
  name: string,
  argument?: unknown,
  timeoutMs = 10_000,
): Promise<Value> {
  const number = ++lastQuestion
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      clearTimeout(timer)
      child.off('message', onMessage)
      child.off('exit', onExit)
      act()
    }
    const fail = (reason: string) => settle(() => reject(new Error(`${name}: ${reason}`)))
    const onExit = () => fail(`the process ended with ${child.exitCode ?? child.signalCode}`)
    const onMessage = (message: unknown) => {
      if (!isAnswer(message) || message.answer !== number) return
      if (message.error !== undefined) fail(message.error)
      else settle(() => resolve(message.value as Value))
    }
    const timer = setTimeout(() => fail(`no answer within ${timeoutMs} ms`), timeoutMs)
    child.on('message', onMessage)
    child.on('exit', onExit)
    if (!child.connected) fail('the process has no IPC channel')
    else child.send({ ask: number, name, argument } satisfies Question)
  })
}

/** Answers the parent's questions; when the parent goes away, so does this process. */
export function answerParent(handlers: Record<string, (argument: never) => unknown>): void {
  const reply = (answer: Answer) => process.connected && process.send?.(answer)
  process.on('message', async (message: unknown) => {
    if (!isQuestion(message)) return
    try {
      const handler = handlers[message.name]
      if (!handler) throw new Error('no such question')
      reply({ answer: message.ask, value: await handler(message.argument as never) })
    } catch (error) {
      reply({ answer: message.ask, error: error instanceof Error ? error.message : String(error) })
    }
  })
  process.on('disconnect', () => process.exit(0))
}
