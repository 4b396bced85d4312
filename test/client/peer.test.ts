import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { openPeer } from '../../src/client/open-peer.ts'
import type { Peer, PeerEvents, Progress } from '../../src/client/peer.ts'
import type { JsonObject } from '../../src/protocol/types.ts'
import { type OpenedWay, ways } from './ways.ts'

const capabilities = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }

/** What answers a server that asks. */
const answers: Record<string, (params: JsonObject) => JsonObject> = {
  'elicitation/create': ({ message }) => ({
    action: 'accept',
    content: { name: String(message).includes('friend') ? 'Ben' : 'Anna' },
  }),
  'sampling/createMessage': () => ({
    role: 'assistant',
    model: 'poet',
    content: { type: 'text', text: 'Snow' },
  }),
  'roots/list': () => ({ roots: [{ uri: 'file:///home' }] }),
}

/** Collects what a peer is told, and gives it to who waits for it. */
class Heard implements PeerEvents {
  readonly notifications: { method: string; params: JsonObject }[] = []
  readonly #waiting = new Set<() => void>()

  notification(method: string, params: JsonObject): void {
    this.notifications.push({ method, params })
    for (const wake of this.#waiting) wake()
  }

  async request(method: string, params: JsonObject): Promise<JsonObject> {
    const answer = answers[method]
    assert.ok(answer, method)
    return answer(params)
  }

  async next(method: string): Promise<JsonObject> {
    for (;;) {
      const at = this.notifications.findIndex((each) => each.method === method)
      const [found] = at < 0 ? [] : this.notifications.splice(at, 1)
      if (found !== undefined) return found.params
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake)
          resolve()
        }
        this.#waiting.add(wake)
      })
    }
  }
}

async function call(
  peer: Peer,
  name: string,
  args: JsonObject = {},
  options = {},
): Promise<unknown> {
  const result = await peer.request('tools/call', { name, arguments: args }, options)
  const [first] = result.content as { text?: string }[]
  return first?.text
}

for (const { name, revisions, open } of ways) {
  for (const revision of revisions) {
    suite(`${name} in ${revision}`, { concurrency: true, timeout: 120_000 }, () => {
      let way: OpenedWay
      let peer: Peer
      const heard = new Heard()
      before(async () => {
        way = await open()
        peer = await openPeer(way.target, heard, { capabilities, revisions: [revision] })
      })
      after(async () => {
        await peer?.close()
        await way.close()
      })

      test('both sides know who the other is', async () => {
        assert.equal(peer.revision, revision)
        assert.equal(peer.era, revision === '2026-07-28' ? 'stateless' : 'stateful')
        assert.equal(peer.serverInfo.name, 'everything')
        assert.equal(peer.instructions, 'Call echo first.')
        assert.ok(peer.capabilities.tools)
        const { client, capabilities: known } = JSON.parse(String(await call(peer, 'who_am_i')))
        assert.equal(client ?? 'tsmcp', 'tsmcp')
        assert.ok(known.includes('sampling'), known.join())
      })

      test('requests are answered, many at a time, and errors keep their numbers', async () => {
        const meet = ['a', 'b', 'c'].map((me) => call(peer, 'meet', { name: 'm', calls: 3, me }))
        assert.deepEqual(await Promise.all(meet), ['a', 'b', 'c'])
        assert.equal(await call(peer, 'echo', { text: 'Grüße, 世界' }), 'Grüße, 世界')
        assert.equal(String(await call(peer, 'large', { characters: 300_000 })).length, 300_000)
        assert.deepEqual(await peer.request('ping'), {})
        await assert.rejects(call(peer, 'refuse'), (error: { rpcCode?(): number }) => {
          assert.equal(error.rpcCode?.(), 4711)
          return true
        })
        await assert.rejects(peer.request('no/such'), { code: 'METHOD_NOT_FOUND' })
      })

      test('what the server asks is answered, in as many rounds as it likes', async () => {
        const unknownBefore2025 = revision === '2024-11-05' || revision === '2025-03-26'
        if (!unknownBefore2025) {
          assert.equal(await call(peer, 'ask_twice'), 'Anna and Ben')
          const all = JSON.parse(String(await call(peer, 'ask_all')))
          assert.deepEqual(all, ['Anna', { type: 'text', text: 'Snow' }, 1])
        }
        assert.equal(await call(peer, 'ask_roots'), 'file:///home')
        const own = { onRequest: async () => ({ roots: [{ uri: 'file:///own' }] }) }
        // On one connection for everything nobody knows to which request a question belongs.
        const isTold = peer.era === 'stateless' || name === 'Streamable HTTP'
        assert.equal(
          await call(peer, 'ask_roots', {}, own),
          isTold ? 'file:///own' : 'file:///home',
        )
      })

      test('progress is reported to the request it belongs to', async () => {
        const steps: Progress[] = []
        const counted = await call(
          peer,
          'count',
          { name: 'p', to: 3 },
          {
            onProgress: (step: Progress) => {
              steps.push(step)
              void call(peer, 'go_on', { name: 'p' })
            },
          },
        )
        assert.equal(counted, 'counted to 3')
        assert.deepEqual(
          steps.map(({ progress, total }) => [progress, total]),
          [
            [1, 3],
            [2, 3],
            [3, 3],
          ],
        )
      })

      test('an aborted signal cancels the request here and there', async () => {
        const abort = new AbortController()
        const waiting = call(peer, 'wait', { name: 'c' }, { signal: abort.signal })
        await call(peer, 'wait_started', { name: 'c' })
        abort.abort(new Error('Changed my mind'))
        await assert.rejects(waiting, { code: 'REQUEST_CANCELLED' })
        assert.equal(await call(peer, 'why_cancelled', { name: 'c' }), 'REQUEST_CANCELLED')
        await assert.rejects(call(peer, 'echo', { text: '' }, { signal: abort.signal }), {
          code: 'REQUEST_CANCELLED',
        })
      })

      test('a deadline cancels the request here and there', async () => {
        await assert.rejects(call(peer, 'wait', { name: 'd' }, { timeoutMs: 300 }), {
          code: 'SERVER_TIMEOUT',
        })
        assert.equal(await call(peer, 'why_cancelled', { name: 'd' }), 'REQUEST_CANCELLED')
      })

      test('lists and resources that change are heard of', async () => {
        await call(peer, 'toggle', { what: 'tool' })
        await heard.next('notifications/tools/list_changed')
        // At the same time: neither subscription may cost the other.
        await Promise.all(
          ['docs://text', 'docs://pixel'].map((uri) =>
            peer.request('resources/subscribe', { uri }),
          ),
        )
        for (const uri of ['docs://text', 'docs://pixel']) {
          await call(peer, 'touch', { uri })
          assert.equal((await heard.next('notifications/resources/updated')).uri, uri)
        }
        await peer.request('resources/unsubscribe', { uri: 'docs://text' })
        await call(peer, 'touch', { uri: 'docs://text' })
        await call(peer, 'touch', { uri: 'docs://pixel' })
        assert.equal((await heard.next('notifications/resources/updated')).uri, 'docs://pixel')
        await call(peer, 'toggle', { what: 'tool' })
        await heard.next('notifications/tools/list_changed')
      })

      test('log messages come from the level on that was asked for', async () => {
        await peer.request('logging/setLevel', { level: 'info' })
        const own: unknown[] = []
        await call(
          peer,
          'chatter',
          {},
          { onNotification: (_method: string, { data }: JsonObject) => own.push(data) },
        )
        const rest = heard.notifications.filter(({ method }) => method.endsWith('/message'))
        assert.deepEqual(
          [...own, ...rest.map(({ params }) => params.data)],
          [{ a: 'fact' }, 'a mishap'],
        )
      })

      test('closing ends it once, with the reason', async () => {
        const other = await openPeer(way.target, {}, { revisions: [revision] })
        await Promise.all([other.close(), other.close()])
        assert.equal((await other.closed).kind, 'closed')
        await assert.rejects(other.request('ping'), { code: 'CONNECTION_FAILED' })
        if (other.pid !== undefined) {
          assert.throws(() => process.kill(other.pid as number, 0), { code: 'ESRCH' })
        }
      })
    })
  }
}
