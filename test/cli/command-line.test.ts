import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { runCli } from './fake-io.ts'
import { weatherServer, workspace } from './workspace.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

test('--version prints the version and nothing else', async () => {
  assert.deepEqual(await runCli(['--version']), { exitCode: 0, out: `${version}\n`, err: '' })
})

test('--help shows the commands, examples and exit codes', async () => {
  const { exitCode, out, err } = await runCli(['--help'])
  assert.equal(exitCode, 0)
  assert.equal(err, '')
  for (const part of ['serve', 'call', 'list', 'init', 'Examples:', 'Exit codes:', '130', '143']) {
    assert.ok(out.includes(part), part)
  }
})

for (const command of ['serve', 'call', 'list', 'init']) {
  test(`${command} --help shows its options with their variables, and examples`, async () => {
    const { exitCode, out } = await runCli([command, '--help'])
    assert.equal(exitCode, 0)
    assert.match(out, new RegExp(`^Usage: tsmcp ${command} `))
    assert.match(out, /--json/)
    assert.match(out, /TSMCP_VERBOSE/)
    assert.match(out, /Examples:/)
  })
}

test('help COMMAND is the same as COMMAND --help', async () => {
  assert.equal((await runCli(['help', 'serve'])).out, (await runCli(['serve', '--help'])).out)
})

suite('a mistake in the command line is answered with one line and exit code 2', () => {
  const folder = workspace({ 'weather.ts': weatherServer })
  const cases: [string[], string][] = [
    [['sevre'], "there is no command 'sevre', did you mean 'serve'?"],
    [['weather.ts'], "'weather.ts' is a file: type tsmcp serve weather.ts"],
    [['serve', 'weather.ts', '--prot', '1'], "unknown option '--prot', did you mean --port?"],
    [['serve'], "missing required argument 'FILE': tsmcp serve --help shows what there is"],
    [
      ['list', 'a', 'b'],
      "too many arguments for 'list'. Expected 1 argument but got 2: a, b: tsmcp list --help shows what there is",
    ],
    [
      ['serve', 'weather.ts', '--port'],
      "option '--port <number>' argument missing: tsmcp serve --help shows what there is",
    ],
    [
      ['serve', 'weather.ts', '--port', '99999'],
      "--port is '99999', but only a whole number from 0 to 65535 is allowed",
    ],
    [
      ['serve', 'weather.ts', '--watch', '--stdio'],
      '--watch and --stdio exclude each other, since over stdio the host starts the command: watch over HTTP instead',
    ],
    [
      ['call', 'weather.ts'],
      'name the tool to call, or --resource or --prompt: tsmcp list shows what there is',
    ],
    [
      ['call', 'weather.ts', '--resource', 'a:b', '--prompt', 'c'],
      '--resource and --prompt exclude each other: name one of them',
    ],
    [
      ['call', 'weather.ts', 'tool', '--resource', 'a:b'],
      '--resource takes neither a tool nor arguments: leave them out',
    ],
    [
      ['call', 'weather.ts', 'tool', '{}', '--prompt', 'c'],
      '--prompt takes no tool: give its arguments as one JSON object',
    ],
    [
      ['call', 'weather.ts', 'forecast', '[1]'],
      `the arguments are [1], but only a JSON object is allowed, such as '{"city":"Paris"}'`,
    ],
    [
      ['list', 'localhost:8080/mcp'],
      "'localhost:8080/mcp' has no scheme: did you mean http://localhost:8080/mcp?",
    ],
    [['list', '127.0.0.1:80'], "'127.0.0.1:80' has no scheme: did you mean http://127.0.0.1:80?"],
    [
      ['list', 'ws://localhost:8080'],
      "'ws://localhost:8080' is neither http:// nor https://: those and files can be reached",
    ],
    [['list', 'http://'], "'http://' is no URL: write it as http://127.0.0.1:8080/mcp"],
    [
      ['list', 'http://127.0.0.1:1/mcp', '--header', 'Authorization Bearer x'],
      "--header is 'Authorization Bearer x', but only 'Name: value' is allowed",
    ],
  ]
  for (const [args, message] of cases) {
    test(`tsmcp ${args.join(' ')}`, async () => {
      assert.deepEqual(await runCli(args, { cwd: folder }), {
        exitCode: 2,
        out: '',
        err: `tsmcp: ${message}\n`,
      })
    })
  }

  test('tsmcp call with arguments that are not JSON', async () => {
    const { exitCode, err } = await runCli(['call', 'weather.ts', 'forecast', '{city:"Paris"}'], {
      cwd: folder,
    })
    assert.equal(exitCode, 2)
    assert.match(
      err,
      /^tsmcp: the arguments are not JSON \(.*\): write one object in quotes, such as '\{"city":"Paris"\}'\n$/,
    )
  })

  test('tsmcp without a command shows the help as well', async () => {
    const { exitCode, out, err } = await runCli([])
    assert.equal(exitCode, 2)
    assert.match(out, /^Usage: tsmcp COMMAND/)
    assert.equal(err, 'tsmcp: name a command, such as: tsmcp serve server.ts\n')
  })
})

test('with --json an error is one JSON object on stderr', async () => {
  const { exitCode, out, err } = await runCli(['list', 'absent.ts', '--json'], { cwd: workspace() })
  assert.equal(exitCode, 1)
  assert.equal(out, '')
  assert.deepEqual(JSON.parse(err), {
    error: {
      message: 'there is no file absent.ts: check the path, or make a new project with tsmcp init',
      exitCode: 1,
    },
  })
})

test('--verbose and TSMCP_VERBOSE add the stack of an error', async () => {
  const cwd = workspace()
  const quiet = await runCli(['list', 'absent.ts'], { cwd })
  assert.equal(quiet.err.trim().split('\n').length, 1)
  for (const shown of [
    await runCli(['list', 'absent.ts', '--verbose'], { cwd }),
    await runCli(['list', 'absent.ts'], { cwd, env: { TSMCP_VERBOSE: '1' } }),
    await runCli(['list', 'absent.ts'], { cwd, env: { ERLMCP_VERBOSE: 'true' } }),
  ]) {
    assert.match(shown.err, /^tsmcp: there is no file absent\.ts.*\n.*\n {4}at /)
  }
})

test('a mistyped variable is pointed out beside the work', async () => {
  const { exitCode, err } = await runCli(['--version'], { env: { TSMCP_PROT: '1' } })
  assert.equal(exitCode, 0)
  assert.equal(err, 'tsmcp: TSMCP_PROT is no setting, did you mean TSMCP_PORT?\n')
})
