import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { isServable } from '../../src/index.ts'
import { oauth } from '../../src/security.ts'
import { startEndpoint } from '../support/http.ts'
import { bearer, startIssuer } from '../support/issuer.ts'
import { firstText, list } from '../support/messages.ts'
import { connectStateless } from '../support/peer.ts'
import { ableWithTasks, beginExtension, untilStatus } from '../support/tasks.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The servers of a page, each as the module that the page shows. */
function modulesOf(page: string): Map<string, string> {
  const text = readFileSync(join(root, 'docs/how-to', page), 'utf8')
  const blocks = text.matchAll(/^```ts file=(\S+)\n([\s\S]*?)^```$/gm)
  return new Map([...blocks].map(([, name = '', code = '']) => [name, code]))
}

/** Loads the modules of a page from a folder in which the package and some skills are installed. */
async function load(page: string) {
  const folder = mkdtempSync(join(tmpdir(), 'tsmcp-how-to-'))
  // The package under test, not the one that was built last.
  const installed = join(folder, 'node_modules/tsmcp')
  mkdirSync(installed, { recursive: true })
  const exports: Record<string, string> = { '.': './index.js' }
  for (const entry of ['index', 'http', 'security']) {
    exports[`./${entry}`] = `./${entry}.js`
    const sources = new URL(`../../src/${entry}.ts`, import.meta.url).href
    writeFileSync(join(installed, `${entry}.js`), `export * from '${sources}'\n`)
  }
  const manifest = { name: 'tsmcp', type: 'module', exports }
  writeFileSync(join(installed, 'package.json'), JSON.stringify(manifest))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  cpSync(join(root, 'conformance/skills'), join(folder, 'skills'), { recursive: true })
  const before = process.cwd()
  process.chdir(folder)
  try {
    const servers = new Map<string, unknown>()
    for (const [name, code] of modulesOf(page)) {
      writeFileSync(join(folder, name), code)
      const module = (await import(pathToFileURL(join(folder, name)).href)) as { default: unknown }
      servers.set(name, module.default)
    }
    return (name: string) => {
      const server = servers.get(name)
      assert.ok(isServable(server), `${page} has a server ${name}`)
      return server
    }
  } finally {
    process.chdir(before)
    rmSync(folder, { recursive: true })
  }
}

suite('The servers of the how-to pages do what the pages say', () => {
  test('oauth', async (t) => {
    const issuer = await startIssuer(t)
    const server = await load('oauth.md')
    const authenticate = oauth({ resource: issuer.resource, issuers: [issuer.issuer] })
    const endpoint = await startEndpoint(t, server('notes.ts'), { authenticate })
    const call = async (scope: string) => {
      const headers = bearer(await issuer.token({ claims: { scope } }))
      return endpoint.stateless('tools/call', { name: 'clear' }, { headers })
    }
    const refused = await call('mcp')
    assert.equal(refused.status, 403)
    assert.match(String(refused.headers['www-authenticate']), /scope="notes:write"/)
    const answer = await call('mcp notes:write')
    assert.equal(firstText(answer.message), 'alice has cleared the notes')
  })

  test('keep-sessions', async (t) => {
    const server = await load('keep-sessions.md')
    const peer = await connectStateless(t, server('kept.ts'), ableWithTasks)
    const { taskId } = await beginExtension(peer, 'remember')
    await untilStatus(peer, taskId, 'completed')
  })

  test('tasks', async (t) => {
    const server = await load('tasks.md')
    const peer = await connectStateless(t, server('tasks.ts'), ableWithTasks)
    const { taskId } = await beginExtension(peer, 'reindex')
    const asked = await untilStatus(peer, taskId, 'input_required')
    assert.equal(asked.result?.statusMessage, 'Part 3 of 3')
    const [key = ''] = Object.keys(asked.result?.inputRequests ?? {})
    await peer.request('tasks/update', {
      taskId,
      inputResponses: { [key]: { action: 'accept', content: {} } },
    })
    const done = await untilStatus(peer, taskId, 'completed')
    assert.equal(list(done.result?.result?.content)[0]?.text, 'Replaced')

    const late = await connectStateless(t, server('late.ts'), ableWithTasks)
    const round = await late.request('tools/call', { name: 'move' })
    const begun = await late.request('tools/call', {
      name: 'move',
      requestState: round.result?.requestState,
      inputResponses: { where: { action: 'accept', content: { folder: 'attic' } } },
    })
    assert.equal(begun.result?.ttlMs, 600_000)
    const moved = await untilStatus(late, String(begun.result?.taskId), 'completed')
    assert.match(JSON.stringify(moved.result?.result), /Moved to attic by task/)
  })

  test('26.versioning.008: extensions', async (t) => {
    const server = await load('extensions.md')
    const own = await connectStateless(t, server('own.ts'), {
      extensions: { 'com.example/audit': {} },
    })
    assert.equal((await own.request('audit/last', { count: 1 })).result?.count, 1)
    const closed = await own.request('tools/call', { name: 'close' })
    assert.equal(list(closed.result?.content)[0]?.text, 'Closed and logged')

    const skills = await connectStateless(t, server('skills.ts'))
    const { result } = await skills.request('skills/list')
    assert.equal(list(result?.skills).length, 3)

    const apps = await connectStateless(t, server('apps.ts'))
    const tools = list((await apps.request('tools/list')).result?.tools)
    assert.deepEqual(
      tools.map(({ name }) => name),
      ['forecast'],
    )
  })
})
