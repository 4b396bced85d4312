import { setTimeout as delay } from 'node:timers/promises'
import { Connection } from './connection.ts'
import type { Peer } from './requests.ts'
import { openSession } from './session.ts'
import { Recorder, type WindowPlan, type WindowResult } from './window.ts'

export interface SessionsPlan extends WindowPlan {
  peer: Peer
  connections: number
}

/** Opens sessions as fast as the connections allow; a round trip is one pair of requests. */
export async function runSessions(plan: SessionsPlan): Promise<WindowResult> {
  const recorder = new Recorder()
  const connections = Array.from({ length: plan.connections }, () => new Connection(plan.peer.port))
  let isOver = false
  const loops = connections.map(async (connection) => {
    try {
      while (!isOver) {
        const started = performance.now()
        await openSession(plan.peer, connection)
        recorder.add(started, performance.now())
      }
    } catch (error) {
      if (!isOver) recorder.fail(error instanceof Error ? error.message : String(error))
    }
  })
  const result = await recorder.measure(plan)
  isOver = true
  // A loop that waits for a lost reply would never end: it gets a moment, not more.
  await Promise.race([Promise.all(loops), delay(2_000)])
  for (const connection of connections) connection.close()
  return result
}
