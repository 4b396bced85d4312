import { request } from 'node:http'
import { connect as connectTcp } from 'node:net'
import { PassThrough } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { WebSocket } from 'ws'
import { serveHttp } from '../../src/http.ts'
import { connectInMemory } from '../../src/memory.ts'
import { serveStdio } from '../../src/stdio.ts'
import { serveTcp } from '../../src/tcp.ts'
import { selfSigned } from '../support/certificate.ts'
import { connectionSuite, Inbox, type Wire } from './suite.ts'

function asText(message: object | string): string {
  return typeof message === 'string' ? message : JSON.stringify(message)
}

/** A wire over a duplex stream of lines. */
function lineWire(
  input: NodeJS.WritableStream,
  output: NodeJS.ReadableStream,
  end: () => void,
): Wire {
  const inbox = new Inbox()
  let rest = ''
  output.setEncoding('utf8')
  output.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) inbox.push(line)
  })
  return {
    send: (message) => input.write(`${asText(message)}\n`),
    receive: () => inbox.next(),
    close: async () => end(),
  }
}

connectionSuite('stdio', async (server) => {
  const input = new PassThrough()
  const output = new PassThrough()
  const connection = serveStdio(server, { input, output, drainMs: 0 })
  return { wire: lineWire(input, output, () => input.end()), stop: () => connection.close() }
})

connectionSuite('TCP', async (server) => {
  const listener = await serveTcp(server, { port: 0, drainMs: 0 })
  const socket = connectTcp(listener.port, '127.0.0.1')
  return { wire: lineWire(socket, socket, () => socket.destroy()), stop: () => listener.close() }
})

connectionSuite('TCP with TLS', async (server) => {
  const { key, cert } = await selfSigned()
  const listener = await serveTcp(server, { port: 0, drainMs: 0, tls: { key, cert } })
  const socket = connectTls({
    port: listener.port,
    host: '127.0.0.1',
    ca: cert,
    servername: 'localhost',
  })
  return { wire: lineWire(socket, socket, () => socket.destroy()), stop: () => listener.close() }
})

connectionSuite('WebSocket', async (server) => {
  const listener = await serveHttp(server, { port: 0, webSocketPath: '/ws', drainMs: 0 })
  const webSocket = new WebSocket(`ws://127.0.0.1:${listener.port}/ws`, 'mcp')
  const inbox = new Inbox()
  webSocket.on('message', (data) => inbox.push(data.toString()))
  await new Promise((resolve, reject) => webSocket.once('open', resolve).once('error', reject))
  const wire: Wire = {
    send: (message) => webSocket.send(asText(message)),
    receive: () => inbox.next(),
    close: async () => webSocket.close(),
  }
  return { wire, stop: () => listener.close() }
})

connectionSuite('in memory', async (server) => {
  const transport = connectInMemory(server)
  const inbox = new Inbox()
  transport.onmessage = (message) => inbox.push(JSON.stringify(message))
  await transport.start()
  const wire: Wire = {
    // The transport of objects has no way to carry text that is no JSON: it stands for itself.
    send: (message) =>
      typeof message === 'string'
        ? inbox.push('{"jsonrpc":"2.0","error":{"code":-32700,"message":"no JSON in memory"}}')
        : void transport.send(message),
    receive: () => inbox.next(),
    close: () => transport.close(),
  }
  return { wire, stop: () => transport.close() }
})

connectionSuite('HTTP with SSE', async (server) => {
  const listener = await serveHttp(server, { port: 0, legacySse: true, drainMs: 0 })
  const root = `http://127.0.0.1:${listener.port}`
  const inbox = new Inbox()
  const endpoint = Promise.withResolvers<string>()
  const stream = request(
    `${root}/sse`,
    { headers: { accept: 'text/event-stream' } },
    (response) => {
      let rest = ''
      response.setEncoding('utf8').on('data', (text: string) => {
        const events = (rest + text).split('\n\n')
        rest = events.pop() ?? ''
        for (const event of events) {
          // Not by a regular expression: its lines end at U+2028 too.
          const line = event.split('\n').find((each) => each.startsWith('data: '))
          const data = line?.slice('data: '.length) ?? ''
          if (event.startsWith('event: endpoint')) endpoint.resolve(data)
          else if (data !== '') inbox.push(data)
        }
      })
      response.on('error', () => {})
    },
  )
  stream.on('error', () => {})
  stream.end()
  const url = root + (await endpoint.promise)
  let queue = Promise.resolve()
  const wire: Wire = {
    send: (message) => {
      // One after the other, as a client waits for the 202 of each.
      queue = queue.then(async () => {
        const response = await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: asText(message),
        })
        // What is no JSON is refused by the POST itself.
        if (response.status === 202) await response.text()
        else inbox.push(await response.text())
      })
    },
    receive: () => inbox.next(),
    close: async () => {
      await queue
      stream.destroy()
    },
  }
  return { wire, stop: () => listener.close() }
})
