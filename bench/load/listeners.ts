import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { Connection } from './connection.ts'
import {
  initializedMessage,
  initializeMessage,
  nextId,
  type Peer,
  type Session,
  sessionHeaders,
} from './requests.ts'
import { openSession } from './session.ts'

export type ListenerKind = 'stream' | 'web-socket'

export interface ListenPlan {
  readonly peer: Peer
  readonly kind: ListenerKind
  readonly count: number
  /** Which of the loopback addresses these come from: each has ports for some 28,000 connections only. */
  readonly source: number
}

/** So many sockets are being opened at a time: a server has a backlog of connections that it has not accepted yet. */
const openingAtOnce = 32
const socketsOfAddress = 5000
/** Frames without content (RFC 6455, 5.5): whoever does not answer a ping is hung up on. */
const ping = '\x89\x00'
const pong = Buffer.from([0x8a, 0x80, 0, 0, 0, 0])
const listChanged = 'notifications/tools/list_changed'

/** All sockets read into this one buffer, as those of the other workloads do. */
const shared = Buffer.allocUnsafe(64 * 1024)

/** The connections that listen, and which of them have been told of a change since it was last asked. */
const sockets: Socket[] = []
let told = new Set<Socket>()
let lost = 0
let onTold = (): void => {}

/** Opens so many more connections, each with a session of its own, that listen until they are released. */
export async function listenMore({ peer, kind, count, source }: ListenPlan): Promise<void> {
  const goal = sockets.length + count
  let begun = sockets.length
  const lanes = Array.from({ length: openingAtOnce }, async () => {
    const connection = kind === 'stream' ? new Connection(peer.port) : undefined
    try {
      while (begun < goal) {
        const localAddress = `127.0.${source}.${1 + Math.floor(begun++ / socketsOfAddress)}`
        if (connection === undefined) await openWebSocket(peer, localAddress)
        else await openEventStream(peer, await openSession(peer, connection), localAddress)
      }
    } finally {
      connection?.close()
    }
  })
  await Promise.all(lanes)
  if (sockets.length !== goal) throw new Error(`${sockets.length} connections instead of ${goal}`)
}

/** From now on it counts who is told of a change. */
export function forgetTold(): void {
  told = new Set()
}

/** Waits until every connection has been told of a change. @returns the time, as `Date.now()` */
export async function untilAllTold({ patienceMs }: { patienceMs: number }): Promise<number> {
  if (told.size < sockets.length) {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const timer = setTimeout(
      () => reject(new Error(`${told.size} of ${sockets.length} were told, ${lost} were lost`)),
      patienceMs,
    )
    onTold = () => {
      if (told.size === sockets.length) resolve()
    }
    await promise.finally(() => clearTimeout(timer))
    onTold = () => {}
  }
  return Date.now()
}

/** How many of the connections are gone. */
export const countLost = (): number => lost

export function releaseListeners(): void {
  for (const socket of sockets.splice(0)) {
    socket.removeAllListeners('close')
    socket.destroy()
  }
  told = new Set()
  lost = 0
}

async function openEventStream(peer: Peer, session: Session, localAddress: string): Promise<void> {
  const headers = {
    host: `127.0.0.1:${peer.port}`,
    accept: 'text/event-stream',
    ...sessionHeaders(session),
  }
  await listen(peer.port, localAddress, getRequest('/mcp', headers), 'HTTP/1.1 200', () => {})
}

async function openWebSocket(peer: Peer, localAddress: string): Promise<void> {
  const id = nextId()
  const headers = {
    host: `127.0.0.1:${peer.port}`,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
    'sec-websocket-protocol': 'mcp',
  }
  const initialize = frame(JSON.stringify(initializeMessage(peer.revision, id)))
  const { promise, resolve } = Promise.withResolvers<Socket>()
  const socket = await listen(
    peer.port,
    localAddress,
    getRequest('/ws', headers),
    'HTTP/1.1 101',
    (text, from) => {
      if (text.includes(`"id":${id}`)) resolve(from)
    },
  )
  socket.write(initialize)
  await promise
  socket.write(frame(JSON.stringify(initializedMessage)))
}

/** Connects, asks, and resolves when the answer begins as it should. */
function listen(
  port: number,
  localAddress: string,
  request: string,
  expected: string,
  onText: (text: string, socket: Socket) => void,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    let isOpen = false
    const socket = connect({
      port,
      host: '127.0.0.1',
      localAddress,
      onread: {
        buffer: shared,
        callback: (length) => {
          const text = shared.toString('latin1', 0, length)
          if (!isOpen) {
            isOpen = text.startsWith(expected)
            if (!isOpen) reject(new Error(`a listener was answered ${text.slice(0, 200)}`))
            sockets.push(socket)
            resolve(socket)
          }
          if (text.includes(ping)) socket.write(pong)
          onText(text, socket)
          if (text.includes(listChanged)) {
            told.add(socket)
            onTold()
          }
          return true
        },
      },
    })
    socket.on('error', reject)
    socket.on('close', () => {
      lost += 1
      reject(new Error('a listener was hung up on'))
    })
    socket.write(request)
  })
}

function getRequest(path: string, headers: Record<string, string>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** A masked text frame (RFC 6455, 5.2) of less than 64 KiB; the mask is 0, which leaves the text as it is. */
function frame(text: string): Buffer {
  const payload = Buffer.from(text)
  const isLong = payload.length > 125
  const header = Buffer.alloc(isLong ? 8 : 6)
  header[0] = 0x81
  header[1] = 0x80 | (isLong ? 126 : payload.length)
  if (isLong) header.writeUInt16BE(payload.length, 2)
  return Buffer.concat([header, payload])
}
