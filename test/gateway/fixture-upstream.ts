/** An upstream on stdio: tools that show who is asked, in which process, and how it ends. */

import { spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { defineServer } from '../../src/index.ts'
import { serveStdio } from '../../src/stdio.ts'

if (process.env.FIXTURE_STARTS !== undefined) {
  appendFileSync(process.env.FIXTURE_STARTS, `${process.pid}\n`)
}
if (process.env.FIXTURE_FAIL !== undefined) {
  console.error(process.env.FIXTURE_FAIL)
  process.exit(3)
}

const server = defineServer({
  name: 'fixture',
  version: '1.0.0',
  instructions: `The fixture. ${process.env.FIXTURE_TOKEN ?? ''}`,
})
const text = { type: 'object', properties: { text: { type: 'string' } } } as const

server.tool('echo', { description: 'Says it again', input: text }, ({ text: said }) => String(said))
server.tool('pid', {}, () => String(process.pid))
server.tool('env', {}, () => JSON.stringify(process.env))
server.tool('exit', {}, () => {
  setImmediate(() => process.kill(process.pid, 'SIGKILL'))
  return new Promise<string>(() => {})
})
server.tool('wait', { input: text }, async ({ text: ms }, { signal }) => {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, Number(ms))
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      console.error('wait was cancelled')
      resolve()
    })
  })
  return `waited in ${process.pid}`
})
server.tool('freeze', {}, () => {
  // Nothing is answered any more, ping included.
  setImmediate(() => {
    for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })
  return 'frozen'
})
server.tool('child', {}, () => {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' })
  return String(child.pid)
})
server.tool('ask', {}, async (_, context) => {
  const { action, content } = await context.elicit({
    message: 'What is your name?',
    schema: { type: 'object', properties: { name: { type: 'string' } } },
  })
  return `${action} ${content?.name}`
})
server.tool('sample', {}, async (_, context) => {
  const { content } = await context.sample({
    messages: [{ role: 'user', content: { type: 'text', text: 'Say something' } }],
    maxTokens: 10,
  })
  return JSON.stringify(content)
})
server.tool('roots', {}, async (_, context) => JSON.stringify(await context.roots()))
server.tool('report', {}, async (_, context) => {
  context.progress(1, 2, 'half')
  context.log('warning', { password: 'x', text: `from ${process.pid}` }, 'reporter')
  context.progress(2, 2, 'done')
  return 'reported'
})
server.tool('task', { task: 'optional' }, async (_, context) => {
  context.progress(1, 2, 'under way')
  await new Promise((resolve) => setTimeout(resolve, 100))
  return 'the task is done'
})
server.tool('task-asks', { task: 'optional' }, async (_, context) => {
  const { content } = await context.elicit({
    message: 'What is your name?',
    schema: { type: 'object', properties: { name: { type: 'string' } } },
  })
  return `a task of ${content?.name}`
})
server.tool('fail', {}, () => {
  throw new Error(`No such thing: ${process.env.FIXTURE_TOKEN}`)
})
let late: { remove(): void } | undefined
server.tool('toggle', {}, () => {
  if (late === undefined) late = server.tool('late', {}, () => 'late')
  else {
    late.remove()
    late = undefined
  }
  return 'toggled'
})

server.resource('fixture://readme', { name: 'readme', mimeType: 'text/plain' }, () => 'Read me')
server.resourceTemplate(
  'fixture://items/{id}',
  { name: 'item', complete: { id: (typed) => [`${typed}1`, `${typed}2`] } },
  ({ variables }) => `Item ${variables.id}`,
)
server.tool('touch', {}, () => {
  server.resourceUpdated('fixture://readme')
  return 'touched'
})
server.prompt(
  'greet',
  { arguments: { name: { required: true, complete: (typed) => [`${typed}a`] } } },
  ({ name }) => `Greet ${name}`,
)

console.error(`the fixture runs with ${process.env.FIXTURE_TOKEN ?? 'no token'}`)
serveStdio(server)
