import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { nodeOnCore, serverCore } from '../processes/child.ts'
import type { Message } from './reply.ts'
import { callFault, callLine, initializedMessage, initializeMessage, nextId } from './requests.ts'
import { Recorder, type WindowResult } from './window.ts'

export interface StdioPlan {
  file: string
  revision: string
  /** How many requests are kept in flight. */
  inFlight: number
  warmupMs: number
  windowMs: number
}

/** Starts a stdio server on its core and measures round trips through its pipes. */
export async function runStdio(plan: StdioPlan): Promise<WindowResult> {
  const path = fileURLToPath(new URL(`../${plan.file}`, import.meta.url))
  const [command, commandArguments] = nodeOnCore(serverCore, [path])
  const server = spawn(command, commandArguments, {
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const end = () => server.kill('SIGKILL')
  process.once('exit', end)
  try {
    const lines = new Lines(server)
    const id = nextId()
    const answer = lines.next()
    lines.write(`${JSON.stringify(initializeMessage(plan.revision, id))}\n`)
    const message = await answer
    if (message.id !== id || !message.result) throw new Error('initialize failed')
    lines.write(`${JSON.stringify(initializedMessage)}\n`)
    return await measure(server, lines, plan)
  } finally {
    process.off('exit', end)
    end()
  }
}

async function measure(server: ChildProcess, lines: Lines, plan: StdioPlan): Promise<WindowResult> {
  const recorder = new Recorder()
  const startedById = new Map<number, number>()
  let isOver = false
  const request = () => {
    const id = nextId()
    startedById.set(id, performance.now())
    return callLine(id)
  }
  const drained = new Promise<void>((resolve) => {
    // What arrived in one read is answered by one write, as a client with work waiting would do.
    lines.onMessages = (messages) => {
      const now = performance.now()
      let next = ''
      for (const message of messages) {
        const id = message.id ?? 0
        const started = startedById.get(id)
        if (started === undefined) recorder.fail(`an answer nobody waits for: ${id}`)
        else recorder.add(started, now, callFault(message, id))
        startedById.delete(id)
        if (!isOver) next += request()
      }
      if (next) lines.write(next)
      else if (isOver && startedById.size === 0) resolve()
    }
  })
  lines.onEnd = () => recorder.fail('the server ended')
  lines.write(Array.from({ length: plan.inFlight }, request).join(''))
  const result = await recorder.measure({ ...plan, serverPid: server.pid ?? 0 })
  isOver = true
  await Promise.race([drained, delay(2_000, undefined, { ref: false })])
  return result
}

/** The JSON lines that a server writes. */
class Lines {
  readonly #server: ChildProcess
  #rest = ''
  onMessages: (messages: Message[]) => void = () => {}
  onEnd: () => void = () => {}

  constructor(server: ChildProcess) {
    this.#server = server
    server.stdout?.setEncoding('latin1').on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n')
      this.#rest = lines.pop() ?? ''
      this.onMessages(lines.map((line) => JSON.parse(line)))
    })
    server.on('exit', () => this.onEnd())
    server.stdin?.on('error', () => this.onEnd())
  }

  write(text: string): void {
    this.#server.stdin?.write(text, 'latin1')
  }

  next(): Promise<Message> {
    return new Promise((resolve, reject) => {
      this.onMessages = ([message]) => message && resolve(message)
      this.onEnd = () => reject(new Error('the server ended'))
    })
  }
}
