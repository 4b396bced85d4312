import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Client } from '@modelcontextprotocol/client'
import { connectStdio } from '../../src/stdio.ts'
import { temporaryFolder } from '../support/folder.ts'

const entry = new URL('../../src/index.ts', import.meta.url).href
const stdio = new URL('../../src/stdio.ts', import.meta.url).href

/** Writes a program that serves one tool over stdio, with something before and something after. */
function program(extra = ''): string {
  const file = join(temporaryFolder({ after }), 'server.ts')
  writeFileSync(
    file,
    `import { defineServer } from '${entry}'
import { serveStdio } from '${stdio}'
const server = defineServer({ name: 'child', version: '1.0.0' })
server.tool('secret', {}, () => String(process.env.SECRET))
server.tool('shout', {}, () => { console.log('not a message'); console.error('on stderr'); return 'ok' })
${extra}
serveStdio(server)
`,
  )
  return file
}

function start(file: string, more: { shutdownMs?: number; stderr?: (line: string) => void } = {}) {
  return connectStdio({ command: process.execPath, args: [file], stderr: 'ignore', ...more })
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('25.lifecycle.018 26.stdio.015: a child that listens ends when its stdin closes', async () => {
  const transport = start(program())
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(transport)
  const { pid } = transport
  assert.ok(pid !== undefined && isRunning(pid))
  await client.close()
  assert.equal(isRunning(pid), false)
})

test('25.lifecycle.018 26.stdio.015: a child that ignores stdin and SIGTERM is killed', async () => {
  const stubborn = `process.on('SIGTERM', () => {})
process.stdin.on('end', () => {})
setInterval(() => {}, 1000)`
  const transport = start(program(stubborn), { shutdownMs: 100 })
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(transport)
  const { pid } = transport
  assert.ok(pid !== undefined)
  await client.close()
  assert.equal(isRunning(pid), false)
})

test('25.lifecycle.019: a child that exits by itself closes the transport', async () => {
  const transport = start(program(`server.tool('die', {}, () => process.exit(3))`))
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(transport)
  const closed = new Promise<void>((resolve) => {
    client.onclose = resolve
  })
  await assert.rejects(client.callTool({ name: 'die' }))
  await closed
  await assert.rejects(transport.send({ jsonrpc: '2.0', method: 'x' }), /not running/)
})

test('26.stdio.004 26.stdio.005 26.stdio.006: stderr is handed on, and printing does not spoil stdout', async () => {
  const lines: string[] = []
  const transport = start(program(), { stderr: (line) => lines.push(line) })
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(transport)
  const errors: Error[] = []
  client.onerror = (error) => errors.push(error)
  const result = await client.callTool({ name: 'shout' })
  assert.deepEqual(result.content, [{ type: 'text', text: 'ok' }])
  assert.deepEqual(errors, [])
  await client.close()
  assert.deepEqual(lines, ['not a message', 'on stderr'])
})

test('25.base.012 26.base.029: over stdio a server takes its credentials from the environment, and asks for none', async () => {
  const whoIs = `server.tool('who', {}, (_args, { authInfo }) => String(authInfo?.subject))`
  const transport = connectStdio({
    command: process.execPath,
    args: [program(whoIs)],
    env: { SECRET: 'from the environment' },
    stderr: 'ignore',
  })
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(transport)
  const call = async (name: string) => (await client.callTool({ name })).content
  assert.deepEqual(await call('secret'), [{ type: 'text', text: 'from the environment' }])
  assert.deepEqual(await call('who'), [{ type: 'text', text: 'undefined' }])
  await client.close()
})

test('26.stdio.017: a server may end the connection itself, and its client is told', async () => {
  const leaving = `server.tool('leave', {}, () => { setImmediate(() => process.exit(0)); return 'bye' })`
  const transport = start(program(leaving))
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(transport)
  const closed = new Promise<void>((resolve) => {
    client.onclose = resolve
  })
  await client.callTool({ name: 'leave' })
  await closed
  await assert.rejects(client.callTool({ name: 'secret' }))
})

test('the environment of the parent does not reach the child unless it is given', async () => {
  process.env.SECRET = 'hunter2'
  const transport = start(program())
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(transport)
  const result = await client.callTool({ name: 'secret' })
  assert.deepEqual(result.content, [{ type: 'text', text: 'undefined' }])
  await client.close()
})

test('a command that does not exist rejects the start', async () => {
  const transport = connectStdio({ command: '/nonexistent/program' })
  await assert.rejects(transport.start(), { code: 'ENOENT' })
  await transport.close()
})

test('a server that writes something else to stdout is told of, and goes on', async () => {
  const transport = start(program(`process.stdout.write('hello\\n')`))
  const error = new Promise<Error>((resolve) => {
    transport.onerror = resolve
  })
  await transport.start()
  assert.match((await error).message, /not valid JSON/)
  await transport.close()
})
