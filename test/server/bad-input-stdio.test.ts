import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { makeFixture } from '../support/fixture-server.ts'
import {
  allVersions,
  firstText,
  initialize,
  key,
  metaOf,
  notification,
  request,
} from '../support/messages.ts'
import { assertError, assertToolError } from '../support/refusals.ts'
import { type StdioPeer, startStdio } from '../support/stdio.ts'

const line = (message: unknown) => `${JSON.stringify(message)}\n`
const stateless = (method: string, params: object = {}, id: string | number = 1) =>
  request(method, { ...params, _meta: metaOf() }, id)

async function assertLives(peer: StdioPeer): Promise<void> {
  const good = stateless('tools/call', { name: 'echo', arguments: { text: 'hi' } }, 'good')
  assert.equal(firstText(await peer.exchange(line(good))), 'hi')
}

suite('a line that is no message', () => {
  const cases: [
    name: string,
    bytes: string | Uint8Array,
    code: number,
    id: unknown,
    what: RegExp,
  ][] = [
    ['26.errors.012: malformed JSON', '{"jsonrpc":\n', -32700, undefined, /not valid JSON/],
    ['26.errors.012: no JSON at all', 'GET / HTTP/1.1\n', -32700, undefined, /not valid JSON/],
    [
      '26.base.074: invalid UTF-8',
      Buffer.from('{"jsonrpc":"2.0","id":1,"method":"\xff"}\n', 'latin1'),
      -32700,
      undefined,
      /UTF-8/,
    ],
    ['26.base.003: a number', '7\n', -32600, undefined, /JSON object/],
    ['26.base.003: no jsonrpc', '{"id":3,"method":"ping"}\n', -32600, 3, /jsonrpc/],
    [
      '26.base.005: id null',
      '{"jsonrpc":"2.0","id":null,"method":"ping"}\n',
      -32600,
      undefined,
      /id/,
    ],
    [
      '26.base.007: params []',
      '{"jsonrpc":"2.0","id":4,"method":"ping","params":[]}\n',
      -32602,
      4,
      /params/,
    ],
    ['26.stdio.001 26.errors.013: an array', '[]\n', -32600, undefined, /Invalid request/],
    ['a line over the limit', `"${'x'.repeat(5000)}"\n`, -32600, undefined, /4000 bytes/],
  ]
  for (const [name, bytes, code, id, message] of cases) {
    test(`${name}: ${code}, and the next line is served`, async (t) => {
      const peer = startStdio(t, makeFixture().server, { maxMessageBytes: 4000 })
      assertError(await peer.exchange(bytes), { code, id: id as number, message })
      await assertLives(peer)
      assert.equal(peer.lines.length, 2)
    })
  }

  test('26.base.021: empty lines, notifications and responses are never answered', async (t) => {
    const peer = startStdio(t, makeFixture().server)
    for (const bytes of [
      '\n\r\n',
      line(notification('notifications/nonsense')),
      line(notification('notifications/cancelled')), // 26.cancel.024
      line(notification('notifications/cancelled', { requestId: {} })),
      line(notification('notifications/cancelled', { requestId: 99 })), // 26.cancel.019
      line({ jsonrpc: '2.0', id: 1, result: {} }),
      line({ jsonrpc: '2.0', id: 1, error: { code: 1, message: 'x' } }),
      line(notification('initialize', {})),
    ]) {
      peer.write(bytes)
    }
    await assertLives(peer)
    assert.equal(peer.lines.length, 1)
  })

  test('26.base.021: a malformed notification is answered without an id or not at all', async (t) => {
    const peer = startStdio(t, makeFixture().server)
    peer.write('{"jsonrpc":"2.0","method":5}\n')
    await peer.exchange(line(stateless('tools/list')))
    for (const each of peer.lines.slice(0, -1)) assert.equal(JSON.parse(each).id, undefined)
  })
})

suite('a message at the wrong time', () => {
  test('25.lifecycle.001: a request before initialize: -32600 that says what to do', async (t) => {
    const peer = startStdio(t, makeFixture().server)
    for (const method of ['tools/list', 'logging/setLevel', 'nonsense']) {
      const answer = await peer.exchange(line(request(method, {}, 'early')))
      assertError(answer, {
        code: -32600,
        id: 'early',
        message: /first request must be initialize/,
      })
    }
    await assertLives(peer)
  })

  test('25.lifecycle.005: a ping before initialize is answered', async (t) => {
    const peer = startStdio(t, makeFixture().server)
    assert.deepEqual((await peer.exchange(line(request('ping', undefined, 1)))).result, {})
  })

  test('25.lifecycle.028: a second initialize: -32600, and the session stays', async (t) => {
    const peer = startStdio(t, makeFixture().server)
    await peer.open('2025-06-18')
    const again = await peer.request('initialize', initialize('2025-11-25').params)
    assertError(again, { code: -32600, id: 1, message: /initialized already/ })
    assert.ok((await peer.request('tools/list')).result)
  })

  test('initialize with bad params opens nothing, and can be tried again', async (t) => {
    const peer = startStdio(t, makeFixture().server)
    const bad = await peer.exchange(line(request('initialize', { capabilities: {} }, 1)))
    assertError(bad, { code: -32602, id: 1, message: /protocolVersion must be a string/ })
    const good = await peer.exchange(line(initialize('2025-11-25')))
    assert.equal(good.result.protocolVersion, '2025-11-25')
  })

  test('26.versioning.017: a stateless request is served as one, whatever came before', async (t) => {
    const peer = startStdio(t, makeFixture().server)
    await peer.open('2025-11-25')
    const answer = await peer.request('tools/list', { _meta: metaOf() })
    assert.equal(answer.result?.resultType, 'complete')
    assert.equal((await peer.request('tools/list')).result?.resultType, undefined)
  })
})

suite('a stateless request that is wrong', () => {
  test('26.versioning.001 26.errors.017: an unknown version: -32022 with what is supported', async (t) => {
    const peer = startStdio(t, makeFixture().server)
    for (const version of ['v999', '2025-11-25', '1900-01-01']) {
      const _meta = { ...metaOf(), [key.version]: version }
      const answer = await peer.exchange(line(request('tools/list', { _meta }, 'v')))
      assertError(answer, { code: -32022, id: 'v', message: /Unsupported protocol version/ })
      assert.deepEqual(answer.error.data, { supported: allVersions, requested: version })
    }
    await assertLives(peer)
  })

  test('26.base.056: _meta without one of its two members: -32602', async (t) => {
    const peer = startStdio(t, makeFixture().server)
    for (const [_meta, message] of [
      [{ [key.capabilities]: {} }, /protocolVersion is required/],
      [{ [key.version]: '2026-07-28' }, /clientCapabilities is required/],
      [{ [key.version]: 5, [key.capabilities]: {} }, /protocolVersion must be a string/],
      [{ ...metaOf(), [key.logLevel]: 'loud' }, /logLevel must be one of/],
    ] as const) {
      const answer = await peer.exchange(line(request('tools/list', { _meta }, 'm')))
      assertError(answer, { code: -32602, id: 'm', message })
    }
    await assertLives(peer)
  })

  test('26.versioning.021: methods that 2026-07-28 has not: -32601', async (t) => {
    const peer = startStdio(t, makeFixture().server)
    for (const method of ['initialize', 'ping', 'logging/setLevel', 'resources/subscribe', 'x']) {
      const answer = await peer.exchange(line(stateless(method)))
      assertError(answer, { code: -32601, id: 1, message: /Method not found/ })
    }
  })

  test('26.base.005: an id that is in use: -32600, and the first goes on', async (t) => {
    const fixture = makeFixture()
    const peer = startStdio(t, fixture.server)
    const hangs = line(stateless('tools/call', { name: 'hangs' }, 'same'))
    peer.write(hangs)
    await fixture.begun.get('hangs')!.promise
    assertError(await peer.exchange(hangs), { code: -32600, id: 'same', message: /in use/ })
    fixture.release()
    assert.equal(firstText(JSON.parse(await peer.nextLine())), 'released')
  })
})

suite('a handler that fails', () => {
  test('26.tools.063: is told to the model, or as an error, as over HTTP', async (t) => {
    const fixture = makeFixture()
    const peer = startStdio(t, fixture.server)
    const call = (name: string) => peer.exchange(line(stateless('tools/call', { name }, name)))
    assertToolError(await call('throws'), /The kettle is empty/)
    assertError(await call('rejects'), { code: -32602, id: 'rejects', message: /No such kettle/ })
    assertError(await call('bad-output'), { code: -32603, id: 'bad-output', message: /n: must be/ })
    assertError(await call('returns-cycle'), { code: -32603, id: 'returns-cycle', message: /Int/ })
    assertError(await call('unknown'), { code: -32602, id: 'unknown', message: /Unknown tool/ })
    await assertLives(peer)
  })

  test('26.stdio.002 25.stdio.001: a newline in what it returns is no end of a line', async (t) => {
    const peer = startStdio(t, makeFixture().server)
    const text = 'two\nlines\r\n\u2028and more'
    const echo = stateless('tools/call', { name: 'echo', arguments: { text } })
    assert.equal(firstText(await peer.exchange(line(echo))), text)
    assert.equal(peer.lines.length, 1)
  })
})
