import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serverCore, start, stop } from '../processes/child.ts'
import { ask } from '../processes/ipc.ts'
import { latestStateful, tsmcpDurable } from '../targets.ts'
import { type Context, record } from './context.ts'

export const keptSessions = 'kept-sessions'

const sessionCount = 50_000
const patienceMs = 120_000

/**
 * A data folder with 50,000 sessions, every tenth with a subscription and an open stream: how long a look-up takes in
 * a process that has none of them in memory, and how long it is from the start of a server to its first answer to one.
 */
export async function runKeptWorkload(context: Context): Promise<void> {
  if (!context.includes(keptSessions, tsmcpDurable)) return
  const folder = await mkdtemp(join(tmpdir(), 'tsmcp-bench-'))
  try {
    await record(context, { workload: keptSessions, target: tsmcpDurable }, async () => {
      const ids = await inProcess<string[]>(
        'servers/kept-sessions.ts',
        folder,
        'fill',
        sessionCount,
      )
      const lookUp = await inProcess<{ p50: number; p95: number; p99: number }>(
        'servers/kept-sessions.ts',
        folder,
        'lookUp',
        ids,
      )
      const id = ids[Math.floor(ids.length / 2)] ?? ''
      return { values: { ...lookUp, firstAnswerMs: await firstAnswer(folder, id) } }
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function inProcess<Value>(
  file: string,
  folder: string,
  question: string,
  argument: unknown,
): Promise<Value> {
  const child = start(file, { core: serverCore, environment: { BENCH_DATA: folder } })
  try {
    return await ask<Value>(child, question, argument, patienceMs)
  } finally {
    await stop(child)
  }
}

/** Milliseconds from the start of the process to its answer to a session that it has never seen. */
async function firstAnswer(folder: string, sessionId: string): Promise<number> {
  const started = performance.now()
  const child = start(tsmcpDurable.file, {
    core: serverCore,
    environment: { BENCH_DATA: folder, BENCH_TOOLS: '1' },
  })
  try {
    const port = await ask<number>(child, 'port')
    const response = await fetch(`http://127.0.0.1:${port}/mcp`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': latestStateful,
        'mcp-session-id': sessionId,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
    })
    const text = await response.text()
    if (response.status !== 200) throw new Error(`status ${response.status}, ${text}`)
    return performance.now() - started
  } finally {
    await stop(child)
  }
}
