import { Connection } from './connection.ts'
import { checkCall, nextId, type Peer, requestTemplate } from './requests.ts'
import { sessionFor } from './session.ts'

/** The length of the body with which a server answers one call of the tool. */
export async function answerBytes({ peer }: { peer: Peer }): Promise<number> {
  const connection = new Connection(peer.port)
  try {
    const session = await sessionFor(peer, connection)
    const id = nextId()
    const reply = await connection.exchange(requestTemplate(peer, session, 'call')(id))
    const fault = checkCall(reply, id)
    if (fault) throw new Error(fault)
    return reply.body.length
  } finally {
    connection.close()
  }
}
