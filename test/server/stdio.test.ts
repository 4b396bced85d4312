import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { suite, test } from 'node:test'
import { defineServer } from '../../src/index.ts'
import { makeFixture } from '../support/fixture-server.ts'
import { firstText, initialize, key, metaOf, notification, request } from '../support/messages.ts'
import { startStdio } from '../support/stdio.ts'

suite('stdio', () => {
  test('25.stdio.007 26.stdio.001: carries requests, responses and notifications on lines of their own', async (t) => {
    const { server } = makeFixture()
    const peer = startStdio(t, server)
    await peer.open('2025-11-25', { elicitation: {} })
    const reply = peer.request('tools/call', { name: 'asks' })
    const question = await peer.next()
    peer.send({ jsonrpc: '2.0', id: question.id, result: { action: 'decline' } })
    assert.equal(firstText(await reply), 'decline')
    server.tool('new', {}, () => 'x')
    assert.equal((await peer.next()).method, 'notifications/tools/list_changed')
    for (const line of peer.lines) assert.equal(JSON.parse(line).jsonrpc, '2.0')
  })

  test('26.stdio.001 0326.stdio.001: takes many messages of one piece, and one of many pieces', async (t) => {
    const peer = startStdio(t, makeFixture().server)
    await peer.open('2025-03-26')
    const pings = [1, 2, 3].map((id) => JSON.stringify(request('ping', {}, `p${id}`)))
    const answers = Promise.all(['p1', 'p2', 'p3'].map((id) => peer.answerTo(id)))
    peer.write(`${pings.join('\n')}\n`)
    await answers
    const split = peer.answerTo('é')
    for (const byte of Buffer.from(`${JSON.stringify(request('ping', {}, 'é'))}\r\n`)) {
      peer.write(Buffer.from([byte]))
    }
    assert.deepEqual((await split).result, {})
    const before = peer.lines.length
    peer.write(`${JSON.stringify([request('ping', {}, 'b1'), request('ping', {}, 'b2')])}\n`)
    while (peer.lines.length === before) await new Promise((resolve) => setImmediate(resolve))
    const batch = JSON.parse(peer.lines.at(-1) ?? '')
    assert.deepEqual(
      batch.map(({ id }: { id: string }) => id),
      ['b1', 'b2'],
    )
  })

  test('25.versioning.001 26.base.023: takes both eras by turns', async (t) => {
    const peer = startStdio(t, makeFixture().server)
    const stateless = () => peer.request('tools/list', { _meta: metaOf() })
    assert.equal((await stateless()).result?.resultType, 'complete')
    await peer.open('2025-06-18')
    assert.equal((await peer.request('tools/list')).result?.resultType, undefined)
    assert.equal((await stateless()).result?.resultType, 'complete')
  })

  test('26.cancel.002 26.subscribe.015: at its end tells the subscriber', async (t) => {
    const peer = startStdio(t, makeFixture().server)
    peer.goStateless()
    const ended = peer.request('subscriptions/listen', { notifications: {} }, { id: 'sub' })
    await peer.next()
    await peer.connection.close()
    assert.equal((await ended).result?._meta?.[key.subscriptionId], 'sub')
    const { method, params } = await peer.next()
    assert.equal(method, 'notifications/cancelled')
    assert.equal(params?.requestId, 'sub')
  })

  test('26.stdio.016: ends when its input ends, after it has answered what came', async (t) => {
    const fixture = makeFixture()
    const peer = startStdio(t, fixture.server, { drainMs: 10_000 })
    peer.goStateless()
    const reply = peer.request('tools/call', { name: 'hangs' })
    await fixture.begun.get('hangs')!.promise
    peer.input.end()
    fixture.release()
    assert.equal(firstText(await reply), 'released')
    await peer.connection.closed
    await peer.connection.close()
  })

  test('ends when its output breaks', async (t) => {
    const peer = startStdio(t, makeFixture().server)
    peer.output.destroy(new Error('EPIPE'))
    await peer.connection.closed
  })

  test('ends when its input breaks', async (t) => {
    const peer = startStdio(t, makeFixture().server)
    peer.input.destroy(new Error('EIO'))
    await peer.connection.closed
  })

  test('reads no more while what it has written is not read', async (t) => {
    const server = defineServer({ name: 's', version: '1' })
    let calls = 0
    server.tool('big', {}, () => {
      calls += 1
      return 'x'.repeat(50_000)
    })
    const peer = startStdio(t, server)
    peer.goStateless()
    peer.output.pause()
    const replies = Array.from({ length: 50 }, async (_, id) => {
      await new Promise((resolve) => setTimeout(resolve, 0))
      return peer.request('tools/call', { name: 'big' }, { id: `b${id}` })
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.ok(calls < 50 || peer.input.isPaused(), String(calls))
    peer.output.resume()
    for (const reply of replies) assert.equal(firstText(await reply).length, 50_000)
  })

  test('gives a reader up that lets too much wait', async (t) => {
    const server = defineServer({ name: 's', version: '1' })
    server.tool('flood', {}, async (_args, { log, signal }) => {
      while (!signal.aborted) {
        log('info', 'x'.repeat(10_000))
        await new Promise((resolve) => setImmediate(resolve))
      }
      return 'x'
    })
    const peer = startStdio(t, server, { maxWaitingBytes: 500_000 })
    await peer.open('2025-11-25')
    peer.output.pause()
    void peer.request('tools/call', { name: 'flood' })
    await peer.connection.closed
  })

  test('sends a long result as bytes, in the right order among others', async (t) => {
    const server = defineServer({ name: 's', version: '1' })
    for (let index = 0; index < 300; index += 1) server.tool(`tool-${index}`, {}, () => 'x')
    const peer = startStdio(t, server)
    await peer.open('2025-11-25')
    const answers = await Promise.all([
      peer.request('ping', {}, { id: 'a' }),
      peer.request('tools/list', {}, { id: 'b' }),
      peer.request('tools/list', {}, { id: 'c' }),
      peer.request('ping', {}, { id: 'd' }),
    ])
    assert.deepEqual(
      answers.map(({ id }) => id),
      ['a', 'b', 'c', 'd'],
    )
    assert.deepEqual(
      peer.lines.slice(1).map((line) => JSON.parse(line).id),
      ['a', 'b', 'c', 'd'],
    )
  })
})

suite('a process that serves stdio', () => {
  const program = `
    import { defineServer } from '${new URL('../../src/index.ts', import.meta.url)}'
    import { serveStdio } from '${new URL('../../src/stdio.ts', import.meta.url)}'
    const server = defineServer({ name: 'chatty', version: '1' })
    server.tool('chat', {}, () => {
      console.log('to the operator')
      console.error('and this')
      return 'to the client'
    })
    serveStdio(server)
    console.log('started')
  `

  test('25.stdio.005 26.stdio.006 26.stdio.003 25.stdio.002: what it prints goes to stderr, messages alone to stdout', async (t) => {
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    t.after(() => child.kill())
    const collect = async (stream: Readable) => Buffer.concat(await stream.toArray()).toString()
    const [out, err] = [collect(child.stdout), collect(child.stderr)]
    for (const message of [
      initialize('2025-11-25'),
      notification('notifications/initialized'),
      request('tools/call', { name: 'chat' }, 1),
    ]) {
      child.stdin.write(`${JSON.stringify(message)}\n`)
    }
    child.stdin.end()
    const [code] = await once(child, 'exit')
    assert.equal(code, 0) // 26.stdio.016
    const lines = (await out).trimEnd().split('\n')
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).id),
      [0, 1],
    )
    assert.match(await err, /started\nto the operator\nand this\n/)
  })
})
