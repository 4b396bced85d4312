import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { defineServer, type Server } from '../../src/index.ts'
import {
  type OpenAnswer,
  startEndpoint,
  statelessPost,
  type TestEndpoint,
} from '../support/http.ts'
import { key, notification, statefulVersions } from '../support/messages.ts'
import { connectStateful, connectStateless } from '../support/peer.ts'
import { assertError } from '../support/refusals.ts'

function makeServer(): Server {
  const server = defineServer({ name: 'changes', version: '1' })
  server.tool('first', {}, () => 'x')
  server.resource('docs://a', {}, () => 'x')
  return server
}
const all = {
  toolsListChanged: true,
  promptsListChanged: true,
  resourcesListChanged: true,
  resourceSubscriptions: ['docs://a'],
}
const acknowledged = 'notifications/subscriptions/acknowledged'
const listen = (endpoint: TestEndpoint, notifications: unknown, id: string | number = 'sub') =>
  endpoint.open(statelessPost('subscriptions/listen', { notifications } as object, { id }))
/** The next message of a stream; one that does not come makes the test time out. */
const next = async ({ events }: OpenAnswer) => (await events.nextMessage()) ?? {}

suite('subscriptions/listen over HTTP', () => {
  test('26.subscribe.005 26.subscribe.006 26.subscribe.009 26.base.001: first acknowledges what it will tell', async (t) => {
    const endpoint = await startEndpoint(t, makeServer())
    const stream = await listen(endpoint, all)
    assert.equal(stream.status, 200)
    assert.equal(stream.headers['content-type'], 'text/event-stream')
    assert.deepEqual(await next(stream), {
      jsonrpc: '2.0',
      method: acknowledged,
      params: {
        _meta: { [key.subscriptionId]: 'sub' },
        // There are no prompts to change.
        notifications: {
          toolsListChanged: true,
          resourcesListChanged: true,
          resourceSubscriptions: ['docs://a'],
        },
      },
    })
  })

  test('26.subscribe.002: what is not wanted is not agreed to, and nothing at all is a filter', async (t) => {
    const endpoint = await startEndpoint(t, makeServer())
    for (const filter of [{}, { toolsListChanged: false, unknown: 5 }]) {
      const stream = await listen(endpoint, filter)
      assert.deepEqual((await next(stream)).params?.notifications, {})
      stream.abort()
    }
  })

  test('26.subscribe.011 26.subscribe.003 26.tools.021 26.resources.022 26.resources.025 26.resources.026: tells what was asked for, under the id of the request', async (t) => {
    const server = makeServer()
    const endpoint = await startEndpoint(t, server)
    for (const id of [1, 'a', '1']) {
      const stream = await listen(endpoint, all, id)
      await next(stream)
      server.tool(`tool ${typeof id} ${id}`, {}, () => 'x')
      server.resourceUpdated('docs://a')
      server.resource(`docs://${typeof id}/${id}`, {}, () => 'x')
      const _meta = { [key.subscriptionId]: id }
      const told = [await next(stream), await next(stream), await next(stream)]
      assert.deepEqual(told, [
        {
          jsonrpc: '2.0',
          method: 'notifications/resources/updated',
          params: { _meta, uri: 'docs://a' },
        },
        { jsonrpc: '2.0', method: 'notifications/tools/list_changed', params: { _meta } },
        { jsonrpc: '2.0', method: 'notifications/resources/list_changed', params: { _meta } },
      ])
      stream.abort()
    }
  })

  test('26.subscribe.003 26.subscribe.004 26.tools.022 26.resources.023 26.prompts.013 26.prompts.014: and nothing else', async (t) => {
    const server = makeServer()
    server.prompt('p', {}, () => 'x')
    const endpoint = await startEndpoint(t, server)
    const stream = await listen(endpoint, {
      promptsListChanged: true,
      resourceSubscriptions: ['docs://b'],
    })
    await next(stream)
    server.tool('second', {}, () => 'x')
    server.resource('docs://c', {}, () => 'x')
    server.resourceUpdated('docs://a')
    server.prompt('q', {}, () => 'x')
    assert.equal((await next(stream)).method, 'notifications/prompts/list_changed')
    server.resourceUpdated('docs://b')
    assert.equal((await next(stream)).params?.uri, 'docs://b')
  })

  test('26.subscribe.013: several at once each get their own', async (t) => {
    const server = makeServer()
    const endpoint = await startEndpoint(t, server)
    const tools = await listen(endpoint, { toolsListChanged: true }, 1)
    const resources = await listen(endpoint, { resourcesListChanged: true }, 2)
    await next(tools)
    await next(resources)
    server.tool('second', {}, () => 'x')
    server.resource('docs://b', {}, () => 'x')
    assert.equal((await next(tools)).method, 'notifications/tools/list_changed')
    assert.equal((await next(resources)).method, 'notifications/resources/list_changed')
  })

  test('26.subscribe.014 26.subscribe.019: a stream that the client closes is forgotten', async (t) => {
    const server = makeServer()
    const endpoint = await startEndpoint(t, server)
    const stream = await listen(endpoint, all)
    await next(stream)
    assert.equal(endpoint.engine.subscriptions.size, 1)
    stream.abort()
    while (endpoint.engine.running > 0) await endpoint.stateless('server/discover')
    assert.equal(endpoint.engine.subscriptions.size, 0)
  })

  test('26.http.021 26.logging.008: log messages and progress of others do not come on it', async (t) => {
    const server = makeServer()
    server.tool('loud', {}, (_args, { log, progress }) => {
      log('emergency', 'x')
      progress(1)
      return 'x'
    })
    const endpoint = await startEndpoint(t, server)
    const post = statelessPost(
      'subscriptions/listen',
      { notifications: all },
      { meta: { [key.logLevel]: 'debug', progressToken: 1 } },
    )
    const stream = await endpoint.open(post)
    await next(stream)
    await endpoint.stateless(
      'tools/call',
      { name: 'loud' },
      { meta: { [key.logLevel]: 'debug', progressToken: 1 } },
    )
    server.resourceUpdated('docs://a')
    assert.equal((await next(stream)).method, 'notifications/resources/updated')
  })

  test('26.subscribe.015 26.subscribe.016: at the end of the server it is answered, and closes', async (t) => {
    const endpoint = await startEndpoint(t, makeServer())
    const stream = await listen(endpoint, all, 42)
    await next(stream)
    await endpoint.engine.close(1000)
    const rest = await stream.events.rest()
    assert.deepEqual(
      rest.map(({ id }) => id),
      [42],
    )
    assert.equal(rest[0]?.result?.resultType, 'complete')
    assert.equal(rest[0]?.result?._meta?.[key.subscriptionId], 42)
  })

  test('26.subscribe.007: tells nothing before it has acknowledged, whatever changes meanwhile', async (t) => {
    const server = makeServer()
    const endpoint = await startEndpoint(t, server)
    const changing = setInterval(() => server.resourceUpdated('docs://a'), 0)
    t.after(() => clearInterval(changing))
    for (let round = 0; round < 20; round += 1) {
      const stream = await listen(endpoint, all)
      assert.equal((await next(stream)).method, acknowledged)
      stream.abort()
    }
  })

  test('no deadline applies to it', async (t) => {
    const endpoint = await startEndpoint(t, makeServer())
    const stream = await listen(endpoint, all)
    await next(stream)
    endpoint.engine.sweep.run(Date.now() + 86_400_000)
    assert.equal(endpoint.engine.subscriptions.size, 1)
  })

  const malformed: [unknown, RegExp][] = [
    [undefined, /notifications must be an object/],
    [[], /notifications must be an object/],
    [{ toolsListChanged: 1 }, /notifications.toolsListChanged must be a boolean/],
    [{ resourceSubscriptions: 'docs://a' }, /must be an array of strings/],
    [{ resourceSubscriptions: [1] }, /must be an array of strings/],
    [{ resourceSubscriptions: Array(1001).fill('docs://a') }, /at most 1000/],
  ]
  for (const [filter, message] of malformed) {
    test(`26.subscribe.001 26.subscribe.002: ${JSON.stringify(filter)?.slice(0, 40)} is no filter: -32602`, async (t) => {
      const endpoint = await startEndpoint(t, makeServer())
      const answer = await endpoint.stateless('subscriptions/listen', { notifications: filter })
      assertError(answer.message, { code: -32602, id: 1, message })
      assert.equal(endpoint.engine.running, 0)
    })
  }
})

suite('subscriptions/listen on a connection', () => {
  test('26.stdio.010 26.cancel.002 26.cancel.015: ends with its result and a notifications/cancelled', async (t) => {
    const server = makeServer()
    const peer = await connectStateless(t, server)
    const ended = peer.request('subscriptions/listen', { notifications: all }, { id: 'sub' })
    const other = peer.request('subscriptions/listen', { notifications: {} }, { id: 2 })
    assert.equal((await peer.next()).params?._meta?.[key.subscriptionId], 'sub')
    assert.equal((await peer.next()).params?._meta?.[key.subscriptionId], 2)
    server.resourceUpdated('docs://a')
    assert.equal((await peer.next()).params?._meta?.[key.subscriptionId], 'sub')
    peer.notify('notifications/cancelled', { requestId: 'sub' }) // 26.subscribe.014
    server.resourceUpdated('docs://a')
    assert.deepEqual(await peer.settled(), [])
    void ended
    void other
  })
})

suite('subscriptions of a session', () => {
  for (const version of statefulVersions) {
    test(`25.resources.005 25.resources.006: resources/updated from subscribe to unsubscribe (${version})`, async (t) => {
      const server = makeServer()
      const peer = await connectStateful(t, server, version)
      const uri = { uri: 'docs://a' }
      server.resourceUpdated('docs://a')
      assert.deepEqual((await peer.request('resources/subscribe', uri)).result, {})
      assert.deepEqual((await peer.request('resources/subscribe', uri)).result, {})
      server.resourceUpdated('docs://a')
      server.resourceUpdated('docs://b')
      assert.deepEqual(await peer.settled(), [notification('notifications/resources/updated', uri)])
      assert.deepEqual((await peer.request('resources/unsubscribe', uri)).result, {})
      server.resourceUpdated('docs://a')
      assert.deepEqual(await peer.settled(), [])
      assert.deepEqual((await peer.request('resources/unsubscribe', uri)).result, {})
    })
  }

  test('25.resources.005: goes to the session that asked, on its GET stream', async (t) => {
    const server = makeServer()
    const endpoint = await startEndpoint(t, server)
    const [one, other] = [await endpoint.session(), await endpoint.session()]
    const [stream, quiet] = [await one.listen(), await other.listen()]
    await one.call('resources/subscribe', { uri: 'docs://a' })
    server.resourceUpdated('docs://a')
    assert.equal((await next(stream)).params?.uri, 'docs://a')
    await one.end()
    await other.end()
    assert.deepEqual(await quiet.events.rest(), [])
    assert.equal(endpoint.engine.subscriptions.size, 0)
  })

  test('25.resources.004 26.schema.015: without resources there is no subscribing', async (t) => {
    const peer = await connectStateful(t, defineServer({ name: 's', version: '1' }))
    for (const method of ['resources/subscribe', 'resources/unsubscribe']) {
      assert.equal((await peer.request(method, { uri: 'docs://a' })).error?.code, -32601)
    }
    const offering = await connectStateful(t, makeServer())
    for (const uri of [undefined, 5, null]) {
      const answer = await offering.request('resources/subscribe', { uri })
      assertError(answer, {
        code: -32602,
        id: answer.id as number,
        message: /uri must be a string/,
      })
    }
  })

  test('and only so many of them', async (t) => {
    const peer = await connectStateful(t, makeServer())
    for (let index = 0; index < 1000; index += 1) {
      await peer.request('resources/subscribe', { uri: `docs://${index}` })
    }
    const { error } = await peer.request('resources/subscribe', { uri: 'docs://more' })
    assert.match(error?.message ?? '', /may subscribe to 1000/)
    assert.ok((await peer.request('resources/subscribe', { uri: 'docs://5' })).result)
  })
})

suite('list_changed of a session', () => {
  test('25.tools.017 25.resources.007 25.prompts.003: comes unasked, once for all changes of a turn', async (t) => {
    const server = makeServer()
    const peer = await connectStateful(t, server)
    const registrations = Array.from({ length: 20 }, (_, n) => server.tool(`t${n}`, {}, () => 'x'))
    server.prompt('p', {}, () => 'x')
    server.resourceTemplate('docs://{a}', {}, () => 'x')
    assert.deepEqual(await peer.settled(), [
      notification('notifications/tools/list_changed'),
      notification('notifications/prompts/list_changed'),
      notification('notifications/resources/list_changed'),
    ])
    for (const registration of registrations) registration.remove()
    assert.deepEqual(await peer.settled(), [notification('notifications/tools/list_changed')])
    registrations[0]?.remove()
    assert.deepEqual(await peer.settled(), [])
  })
})
