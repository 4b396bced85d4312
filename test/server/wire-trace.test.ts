import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { defineServer, McpError } from '../../src/index.ts'
import { formSchema } from '../support/fixture-server.ts'
import { allVersions, key, type Message } from '../support/messages.ts'
import { connectAs, type Peer } from '../support/peer.ts'

/** A server that does everything a server can do to a client. */
function makeServer() {
  const server = defineServer({ name: 'tour', version: '1', pageSize: 1, onError: () => {} })
  server.tool('talk', {}, (_args, { progress, log }) => {
    progress(1, 2, 'half')
    log('error', { a: 1 })
    return 'hi'
  })
  server.tool('ask', {}, async (_args, { elicit, sample, roots }) => {
    const message = { role: 'user' as const, content: { type: 'text' as const, text: 'x' } }
    const asked = await Promise.allSettled([
      elicit({ key: 'a', message: 'm', schema: formSchema }),
      sample({ key: 'b', messages: [message], maxTokens: 1 }),
      roots({ key: 'c' }),
    ])
    return String(asked.length)
  })
  server.tool('fail', {}, () => {
    throw new Error('x')
  })
  server.tool('refuse', {}, () => {
    throw new McpError('INVALID_PARAMS', 'no', { data: { a: 1 } })
  })
  server.tool('hang', {}, () => new Promise<string>(() => {}))
  server.resource('docs://a', {}, () => 'x')
  server.prompt('p', { arguments: { a: { complete: () => ['x'] } } }, () => 'x')
  return server
}

/** Goes through everything once, and gives all that the server has sent. */
async function tour(t: Parameters<typeof connectAs>[0], version: string): Promise<Message[]> {
  const server = makeServer()
  const capabilities = { elicitation: {}, sampling: {}, roots: {} }
  const peer: Peer = await connectAs(t, server, version, capabilities)
  const meta = { progressToken: 'token', [key.logLevel]: 'debug' }
  const tool = (name: string) => peer.request('tools/call', { name }, { meta })
  if (version === '2026-07-28') {
    void peer.request('subscriptions/listen', {
      notifications: { toolsListChanged: true, resourceSubscriptions: ['docs://a'] },
    })
  } else await peer.request('resources/subscribe', { uri: 'docs://a' })
  for (const method of [
    'server/discover',
    'ping',
    'tools/list',
    'prompts/list',
    'resources/list',
    'nonsense',
  ]) {
    await peer.request(method)
  }
  await tool('talk')
  await tool('fail')
  await tool('refuse')
  await tool('nonsense')
  await peer.request('resources/read', { uri: 'docs://a' })
  await peer.request('resources/read', { uri: 'docs://none' })
  await peer.request('prompts/get', { name: 'p' })
  await peer.request('tools/list', { cursor: 'nonsense' })
  peer.send({ jsonrpc: '1.0', id: 'odd', method: 5 })
  const asking = tool('ask')
  await peer.request('tools/list')
  for (const { id, method } of peer.received) {
    if (id === undefined || method === undefined) continue
    peer.send({ jsonrpc: '2.0', id, error: { code: -1, message: 'no' } })
  }
  await asking
  void peer.request('tools/call', { name: 'hang' }, { id: 'hang' })
  peer.notify('notifications/cancelled', { requestId: 'hang' })
  peer.notify('notifications/roots/list_changed')
  server.resourceUpdated('docs://a')
  server.tool('new', {}, () => 'x')
  await peer.settled()
  return peer.received
}

const questions = ['elicitation/create', 'sampling/createMessage', 'roots/list']
const notifications = [
  'notifications/progress',
  'notifications/message',
  'notifications/resources/updated',
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
]

for (const version of allVersions) {
  suite(`all that is sent in ${version}`, () => {
    test('0618.base.001 25.base.002 26.base.003 25.base.007 25.base.009 26.base.017 26.base.018 26.base.022 1105.base.002 0618.base.002: is a request, a notification, a result or an error, and only one of them', async (t) => {
      for (const message of await tour(t, version)) {
        const text = JSON.stringify(message)
        assert.equal(message.jsonrpc, '2.0', text)
        const kinds = ['method', 'result', 'error'].filter((member) => member in message)
        assert.equal(kinds.length, 1, text)
        if (kinds[0] === 'result') assert.equal(typeof message.result, 'object', text)
        if (message.error !== undefined) {
          assert.ok(Number.isInteger(message.error.code), text)
          assert.equal(typeof message.error.message, 'string', text)
        }
        // What could be read of an id comes back with its error.
        if (kinds[0] !== 'method') assert.ok(['string', 'number'].includes(typeof message.id), text)
        const isNotification = message.method?.startsWith('notifications/') === true
        assert.equal(isNotification && 'id' in message, false, text)
      }
    })

    test('26.base.076 26.stdio.009 26.schema.025 26.versioning.022 25.elicitation.001: asks and tells what its revision has, and nothing else', async (t) => {
      const sent = new Set<string>()
      for (const { method } of await tour(t, version)) if (method !== undefined) sent.add(method)
      const allowed = [...notifications]
      if (version === '2026-07-28') allowed.push('notifications/subscriptions/acknowledged')
      else allowed.push(...questions.slice(version >= '2025-06-18' ? 0 : 1))
      for (const method of sent) assert.ok(allowed.includes(method), method)
      assert.ok(sent.has('notifications/progress'))
      assert.ok(sent.has('notifications/tools/list_changed'))
      assert.equal(sent.has('sampling/createMessage'), version !== '2026-07-28')
    })

    test('26.cancel.003 26.schema.015: cancels nothing of its own accord, and names a subscription only where there is one', async (t) => {
      const all = await tour(t, version)
      assert.ok(all.every(({ method }) => method !== 'notifications/cancelled'))
      for (const { method, params } of all) {
        const isOfListen = /list_changed|updated|acknowledged/.test(method ?? '')
        const hasId = params?._meta?.[key.subscriptionId] !== undefined
        assert.equal(hasId, isOfListen && version === '2026-07-28', method)
      }
    })

    test('0326.base.002 1105.base.001 26.stdio.001: is never a batch', async (t) => {
      for (const message of await tour(t, version)) assert.equal(Array.isArray(message), false)
    })
  })
}
