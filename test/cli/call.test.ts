import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, suite, test } from 'node:test'
import { run } from '../../src/cli/run.ts'
import { FakeIo, runCli } from './fake-io.ts'
import { freePort, weatherServer, workspace } from './workspace.ts'

const manyKinds = `
import { audio, defineServer, embeddedResource, image, McpError, resourceLink } from 'tsmcp'
const server = defineServer({ name: 'many', version: '1.0.0' })
const input = { type: 'object', properties: { a: { type: 'integer', minimum: 3 } }, required: ['a'] }
server.tool('refuse', { input }, () => {
  throw new McpError('INVALID_PARAMS', 'a is odd')
})
server.tool('show', {}, () => [
  image(new Uint8Array(5), 'image/png'),
  audio(new Uint8Array(6), 'audio/wav'),
  resourceLink({ uri: 'a://b', name: 'b', description: 'the b' }),
  embeddedResource({ uri: 'a://t', text: 'inside' }),
  embeddedResource({ uri: 'a://c', blob: 'AAAA', mimeType: 'x/y' }),
])
server.tool('log', {}, (_args, context) => {
  context.log('info', { x: 1 }, 'me')
  context.log('debug', 'plain')
  return 'logged'
})
server.tool('escape', {}, () => '\\u001b]0;owned\\u0007red\\r\\n\\tline')
server.tool('visit', {}, async (_args, context) => {
  const { action } = await context.elicit({ message: 'Sign in', url: 'https://example.com/sign-in' })
  return action
})
export default server
`
const folder = workspace({ 'weather.ts': weatherServer, 'many.ts': manyKinds })
const callMany = (args: string[]) => runCli(['call', 'many.ts', ...args], { cwd: folder })
const call = (args: string[], options = {}) =>
  runCli(['call', 'weather.ts', ...args], { cwd: folder, ...options })

suite('call prints', () => {
  test('the text of a tool plainly', async () => {
    const answer = await call(['forecast', '{"city":"Paris"}'])
    assert.deepEqual(answer, { exitCode: 0, out: 'Sunny in Paris\n', err: '' })
  })

  test('arguments from stdin', async () => {
    const answer = await call(['forecast', '-'], { input: '{"city":\n"Oslo"}' })
    assert.equal(answer.out, 'Sunny in Oslo\n')
  })

  test('structured content as JSON, once', async () => {
    const answer = await call(['measure'])
    assert.deepEqual(answer, { exitCode: 0, out: '{\n  "degrees": 21.5\n}\n', err: '' })
  })

  test('the raw result with --json', async () => {
    const { out } = await call(['measure', '--json'])
    const result = JSON.parse(out)
    assert.deepEqual(result.structuredContent, { degrees: 21.5 })
    assert.equal(result.content[0].type, 'text')
  })

  test('progress on stderr', async () => {
    const answer = await call(['slow'])
    assert.deepEqual(answer, {
      exitCode: 0,
      out: 'done\n',
      err: '1/3 step 1\n2/3 step 2\n3/3 step 3\n',
    })
  })

  test('content that is no text as a line that says what it is', async () => {
    assert.deepEqual((await callMany(['show'])).out.trim().split('\n'), [
      '[image, image/png, 5 bytes]',
      '[audio, audio/wav, 6 bytes]',
      '[resource a://b: the b]',
      'inside',
      '[resource a://c, 3 bytes]',
    ])
  })

  test('control characters of a server only where no terminal would obey them', async () => {
    const piped = await callMany(['escape'])
    assert.equal(piped.out, '\u001b]0;owned\u0007red\r\n\tline\n')
    const shown = await runCli(['call', 'many.ts', 'escape'], { cwd: folder, columns: 80 })
    assert.equal(shown.out, ']0;ownedred\n\tline\n')
  })

  test('log messages on stderr, those of every level with --verbose', async () => {
    assert.deepEqual(await callMany(['log', '--verbose']), {
      exitCode: 0,
      out: 'logged\n',
      err: '[info] me: {"x":1}\n[debug] plain\n',
    })
  })

  test('the text of a resource, and the bytes of one when they go to a file', async () => {
    assert.deepEqual(await call(['--resource', 'docs://readme']), {
      exitCode: 0,
      out: 'Read me.\n',
      err: '',
    })
    assert.equal((await call(['--resource', 'city://Rome'])).out, 'About Rome\n')
    const bytes = await call(['--resource', 'docs://logo'])
    assert.equal(bytes.out, Buffer.from([137, 80, 78, 71]).toString())
    const shown = await call(['--resource', 'docs://logo'], { columns: 80 })
    assert.equal(shown.out, '[image/png, 4 bytes: send the output to a file to keep it]\n')
  })

  test('the messages of a prompt under their roles', async () => {
    const answer = await call(['--prompt', 'compare', '{"a":"Paris","b":2}'])
    assert.deepEqual(answer, { exitCode: 0, out: 'user: Compare Paris and 2\n', err: '' })
  })
})

suite('call fails with exit code 1', () => {
  test('when the tool reports an error, with its message on stderr', async () => {
    assert.deepEqual(await call(['fail']), { exitCode: 1, out: '', err: 'no such station\n' })
    const raw = await call(['fail', '--json'])
    assert.equal(raw.exitCode, 1)
    assert.equal(JSON.parse(raw.out).isError, true)
  })

  test('when there is no such tool, with the nearest name', async () => {
    assert.deepEqual(await call(['forcast']), {
      exitCode: 1,
      out: '',
      err: "tsmcp: there is no tool 'forcast', did you mean 'forecast'?\n",
    })
    assert.equal(
      (await call(['zzz'])).err,
      "tsmcp: there is no tool 'zzz': tsmcp list weather.ts shows what there is\n",
    )
  })

  test('when there is no such prompt or resource', async () => {
    assert.equal(
      (await call(['--prompt', 'compair'])).err,
      "tsmcp: there is no prompt 'compair', did you mean 'compare'?\n",
    )
    const { exitCode, err } = await call(['--resource', 'docs://redme'])
    assert.equal(exitCode, 1)
    assert.match(
      err,
      /^tsmcp: the resource 'docs:\/\/redme' cannot be read \(.*\), did you mean 'docs:\/\/readme'\?\n$/,
    )
  })

  test('when the arguments do not fit, with what was wrong and arguments that fit', async () => {
    const { exitCode, out, err } = await call(['forecast', '{"town":"Paris"}'])
    assert.equal(exitCode, 1)
    assert.equal(out, '')
    assert.match(
      err,
      /^.*'city': a call looks like tsmcp call weather\.ts forecast '\{"city":"text"\}'\n$/,
    )
    assert.equal(
      (await callMany(['refuse', '{"a":5}'])).err,
      `tsmcp: a is odd: a call looks like tsmcp call many.ts refuse '{"a":3}'\n`,
    )
  })
})

suite('a question of the server', () => {
  test('is declined when there is no terminal', async () => {
    const { exitCode, out, err } = await call(['ask'])
    assert.equal(exitCode, 0)
    assert.equal(JSON.parse(out).action, 'decline')
    assert.equal(err, 'the server asks: Which unit? (declined: no terminal to ask at)\n')
  })

  test('to open a page names the page', async () => {
    const { out, err } = await callMany(['visit'])
    assert.equal(out, 'decline\n')
    assert.equal(
      err,
      'the server asks: Sign in, at https://example.com/sign-in (declined: no terminal to ask at)\n',
    )
    const io = new FakeIo({ cwd: folder, isInteractive: true })
    const ended = run(['call', 'many.ts', 'visit'], io)
    await io.until(/open https:\/\/example\.com\/sign-in in a browser, then press Enter: /)
    io.type('\n')
    assert.equal(await ended, 0)
    assert.equal(io.out, 'accept\n')
  })

  test('is asked at the terminal, again when the answer does not fit', async () => {
    const io = new FakeIo({ cwd: folder, isInteractive: true })
    const ended = run(['call', 'weather.ts', 'ask'], io)
    await io.until(/unit \(celsius \| kelvin\): /)
    io.type('rankine\n')
    await io.until(/one of: celsius, kelvin/)
    io.type('kelvin\n')
    assert.equal(await ended, 0)
    assert.deepEqual(JSON.parse(io.out), { action: 'accept', content: { unit: 'kelvin' } })
  })

  test('is declined by the end of the input', async () => {
    const io = new FakeIo({ cwd: folder, isInteractive: true })
    const ended = run(['call', 'weather.ts', 'ask'], io)
    await io.until(/unit \(celsius \| kelvin\): /)
    io.stdin.push(null)
    assert.equal(await ended, 0)
    assert.equal(JSON.parse(io.out).action, 'decline')
  })
})

test('a signal cancels the call and is the exit code', async () => {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const io = new FakeIo({ cwd: folder })
    const ended = run(['call', 'weather.ts', 'slow'], io)
    await io.until(/step 1/)
    io.signal(signal)
    assert.equal(await ended, code)
    assert.equal(io.hasSignalListeners, false)
  }
})

test('standard output is reserved for the answer when a file is loaded', async () => {
  const io = new FakeIo({ cwd: folder })
  await run(['call', 'weather.ts', 'loud'], io)
  assert.equal(io.reserved, true)
  assert.equal(io.out, 'quiet\n')
})

suite('a server that cannot be reached is answered with one line', () => {
  const answers: [string, number, string][] = [
    ['/401', 401, "it asks who you are (HTTP 401): add --header 'Authorization: Bearer TOKEN'"],
    [
      '/403',
      403,
      'it refuses (HTTP 403): check the token, or the hosts and origins that the server allows',
    ],
    ['/404', 404, 'there is no endpoint (HTTP 404): the path is usually /mcp'],
    ['/503', 503, 'it is stopping or has no room (HTTP 503): try again later'],
  ]
  const server = createServer((request, response) => {
    response.statusCode = answers.find(([path]) => request.url === path)?.[1] ?? 500
    response.end()
  })
  const listening = new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  )
  after(() => server.close())

  for (const [path, , reason] of answers) {
    test(`HTTP ${path.slice(1)}`, async () => {
      const url = `http://127.0.0.1:${await listening}${path}`
      const { exitCode, out, err } = await runCli(['list', url])
      assert.equal(err, `tsmcp: cannot reach an MCP server at ${url}: ${reason}\n`)
      assert.equal(out, '')
      assert.equal(exitCode, 1)
    })
  }

  test('headers are sent along', async () => {
    const seen: (string | undefined)[] = []
    const recorder = createServer((request, response) => {
      seen.push(request.headers.authorization)
      response.statusCode = 401
      response.end()
    })
    await new Promise<void>((resolve) => recorder.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(recorder.address() as AddressInfo).port}/mcp`
    await runCli(['list', url, '--header', 'Authorization: Bearer abc'])
    recorder.close()
    assert.deepEqual([...new Set(seen)], ['Bearer abc'])
  })

  test('nothing listens', async () => {
    const url = `http://127.0.0.1:${await freePort()}/mcp`
    const { exitCode, err } = await runCli(['call', url, 'x'])
    assert.equal(exitCode, 1)
    assert.equal(
      err,
      `tsmcp: cannot reach an MCP server at ${url}: connection refused: start the server there (tsmcp serve FILE.ts), or check host and port\n`,
    )
  })

  test('no such host', async () => {
    const { exitCode, err } = await runCli(['list', 'http://nowhere.invalid/mcp'])
    assert.equal(exitCode, 1)
    assert.match(
      err,
      /^tsmcp: cannot reach an MCP server at http:\/\/nowhere\.invalid\/mcp: (no such host: check the name|the name cannot be resolved now: check the network)\n$/,
    )
  })

  test('it does not answer in time', async () => {
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/mcp`
    const { exitCode, err } = await runCli(['list', url, '--timeout-ms', '200'])
    silent.closeAllConnections()
    silent.close()
    assert.equal(exitCode, 1)
    assert.equal(err, `tsmcp: cannot reach an MCP server at ${url}: no answer within 200 ms\n`)
  })
})
