import { connect } from 'node:net'
import { Connection } from './connection.ts'
import {
  checkCall,
  nextId,
  type Peer,
  requestTemplate,
  type Session,
  sessionHeaders,
} from './requests.ts'
import { openSession } from './session.ts'

/** The sessions that the memory workload keeps, and the streams that it has open on them. */
const held = { sessions: [] as Session[], streams: [] as ReturnType<typeof connect>[] }

/** Opens so many more sessions, 16 connections at a time, and closes the connections. */
export async function holdSessions({ peer, count }: { peer: Peer; count: number }): Promise<void> {
  const goal = held.sessions.length + count
  let opened = held.sessions.length
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      const connection = new Connection(peer.port)
      try {
        while (opened < goal) {
          opened++
          held.sessions.push(await openSession(peer, connection))
        }
      } finally {
        connection.close()
      }
    }),
  )
  if (new Set(held.sessions.map(({ id }) => id)).size !== goal) throw new Error('an id came twice')
}

/** Calls the tool in some of the sessions, spread over all: are they really there? */
export async function probeSessions({ peer }: { peer: Peer }): Promise<number> {
  const connection = new Connection(peer.port)
  const step = Math.max(1, Math.floor(held.sessions.length / 100))
  let probed = 0
  for (let index = 0; index < held.sessions.length; index += step) {
    const session = held.sessions[index]
    if (!session) continue
    const id = nextId()
    const reply = await connection.exchange(requestTemplate(peer, session, 'call')(id))
    const fault = checkCall(reply, id)
    if (fault) throw new Error(`session ${index} of ${held.sessions.length}: ${fault}`)
    probed++
  }
  connection.close()
  return probed
}

/** Opens the GET event stream of so many more of the held sessions and leaves them open. */
export async function openStreams({ peer, count }: { peer: Peer; count: number }): Promise<void> {
  const first = held.streams.length
  const sessions = held.sessions.slice(first, first + count)
  if (sessions.length < count) throw new Error('fewer sessions than streams')
  // In groups: a server has a backlog of connections that it has not accepted yet.
  for (let index = 0; index < count; index += 50) {
    await Promise.all(sessions.slice(index, index + 50).map((session) => openStream(peer, session)))
  }
}

function openStream(peer: Peer, session: Session): Promise<void> {
  const headers = Object.entries(sessionHeaders(session)).map(
    ([name, value]) => `${name}: ${value}`,
  )
  const socket = connect({ port: peer.port, host: '127.0.0.1' })
  held.streams.push(socket)
  socket.write(
    [
      'GET /mcp HTTP/1.1',
      `host: 127.0.0.1:${peer.port}`,
      'accept: text/event-stream',
      ...headers,
      '\r\n',
    ].join('\r\n'),
  )
  return new Promise((resolve, reject) => {
    socket.once('data', (chunk) => {
      const status = chunk.toString('latin1', 9, 12)
      if (status === '200') resolve()
      else reject(new Error(`stream: status ${status}`))
      socket.resume()
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('stream: closed')))
    socket.setTimeout(5_000, () => reject(new Error('stream: no reply head')))
  })
}

/** Lets go of everything held. */
export function release(): void {
  for (const stream of held.streams) stream.destroy()
  held.streams = []
  held.sessions = []
}
