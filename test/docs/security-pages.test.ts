import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { runCli } from '../cli/fake-io.ts'
import { CliProcess, weatherServer, workspace } from '../cli/workspace.ts'
import { attackRows } from './attack-rows.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const pageOf = (name: string) => readFileSync(join(root, 'docs/how-to', name), 'utf8')

/** The words of a command line as a shell has them: double quotes hold words together, # begins a comment. */
function words(line: string): string[] {
  const command = line.replace(/ +#.*$/, '')
  return [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
}

/** Does all that a page says, in order, in a folder with a server.ts; `serve` runs until the next command is done. */
async function follow(page: string): Promise<string> {
  const cwd = workspace({ 'server.ts': weatherServer })
  const blocks = pageOf(page).matchAll(/^```(\w+)(?: file=(\S+))?\n([\s\S]*?)^```$/gm)
  let ran = 0
  for (const [, language, file, content = ''] of blocks) {
    if (file !== undefined) writeFileSync(join(cwd, file), content)
    if (language !== 'sh') continue
    for (const line of content.trim().split('\n')) {
      const [program, ...args] = words(line)
      assert.equal(program, 'tsmcp', line)
      const isRefused = /# ends with 1$/.test(line)
      ran += 1
      if (args[0] === 'serve' && !isRefused) await serve(args, cwd)
      else {
        const { exitCode, out, err } = await runCli(args, { cwd })
        assert.equal(exitCode, isRefused ? 1 : 0, `${line}\n${out}${err}`)
      }
    }
  }
  assert.ok(ran > 0)
  return cwd
}

async function serve(args: string[], cwd: string): Promise<void> {
  if (args.includes('production')) await runCli(['keys', 'create', 'page'], { cwd })
  if (args.includes('policy.yaml')) {
    writeFileSync(join(cwd, 'policy.yaml'), 'version: 1\nroles: {}\n', { flag: 'a+' })
  }
  const cli = new CliProcess([...args, '--port', '0'], { cwd })
  const [, url = ''] = await cli.until(/(http:\/\/\S+\/mcp)/)
  await fetch(url, { method: 'POST', body: '{}' }).catch(() => undefined)
  cli.child.kill('SIGTERM')
  assert.equal(await cli.exited, 0, cli.err)
}

suite('the how-to pages of security say what works', () => {
  test('api-keys', async () => {
    const cwd = await follow('api-keys.md')
    await runCli(['keys', 'create', 'again'], { cwd })
    // The sources under test, in the place of the package.
    const installed = join(cwd, 'sources')
    mkdirSync(installed)
    const sources = pathToFileURL(join(root, 'src')).href
    const code = readFileSync(join(cwd, 'keys.ts'), 'utf8')
      .replaceAll(/'tsmcp\/(\w+)'/g, `'${sources}/$1.ts'`)
      .replace("'tsmcp'", `'${sources}/index.ts'`)
      .replace("'keys.json'", JSON.stringify(join(cwd, 'keys.json')))
    writeFileSync(join(cwd, 'program.ts'), code)
    const module = (await import(pathToFileURL(join(cwd, 'program.ts')).href)) as {
      default: { url: string; close(): Promise<void> }
    }
    const response = await fetch(module.default.url, { method: 'POST', body: '{}' })
    assert.equal(response.status, 401)
    await module.default.close()
  })

  test('roles', async () => {
    await follow('roles.md')
  })

  test('audit', async () => {
    await follow('audit.md')
  })

  test('production', async () => {
    await follow('production.md')
  })
})

test('SECURITY.md lists the attacks that are tested (else: node test/docs/attack-rows.ts)', () => {
  const text = readFileSync(join(root, 'SECURITY.md'), 'utf8')
  assert.ok(text.includes(attackRows()))
})
