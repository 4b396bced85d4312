import { Connection } from './connection.ts'
import {
  type Check,
  checkCall,
  listCheck,
  nextId,
  type Peer,
  requestTemplate,
  type Template,
} from './requests.ts'
import { sessionFor } from './session.ts'
import { Recorder, type WindowPlan, type WindowResult } from './window.ts'

export interface CallsPlan extends WindowPlan {
  peer: Peer
  connections: number
  method: 'call' | 'list'
  toolCount: number
}

/**
 * The closed loop: every connection has one request in flight and sends the next when the reply
 * has arrived whole and was checked. The loop ends with the window; what is then still in flight
 * is dropped with its connection.
 */
export async function runCalls(plan: CallsPlan): Promise<WindowResult> {
  const { peer } = plan
  const recorder = new Recorder()
  const check = plan.method === 'call' ? checkCall : listCheck(plan.toolCount)
  const connections = Array.from({ length: plan.connections }, () => new Connection(peer.port))
  try {
    const sessions = await Promise.all(
      connections.map((connection) => sessionFor(peer, connection)),
    )
    connections.forEach((connection, index) => {
      const session = sessions[index]
      if (session) loop(connection, requestTemplate(peer, session, plan.method), check, recorder)
    })
    return await recorder.measure(plan)
  } finally {
    for (const connection of connections) connection.close()
  }
}

function loop(connection: Connection, template: Template, check: Check, recorder: Recorder): void {
  let id = 0
  let started = 0
  const send = () => {
    id = nextId()
    started = performance.now()
    connection.write(template(id))
  }
  connection.onReply = (reply) => {
    const now = performance.now()
    recorder.add(started, now, check(reply, id))
    send()
  }
  // A connection that broke stays broken: the sample is no longer valid, and says why.
  connection.onFailure = (reason) => recorder.fail(reason)
  send()
}
