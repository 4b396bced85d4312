import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { exitCodes } from '../../src/cli/exit-codes.ts'

/** The files of this package that importing some of it loads. */
function loaded(...entries: string[]): string[] {
  const program = `
    import { registerHooks } from 'node:module'
    const seen = []
    registerHooks({ load: (url, context, next) => { seen.push(url); return next(url, context) } })
    for (const entry of ${JSON.stringify(entries)}) await import(entry)
    console.log(JSON.stringify(seen))`
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', program],
    { cwd: fileURLToPath(new URL('../..', import.meta.url)), encoding: 'utf8' },
  )
  assert.equal(status, exitCodes[0]?.code, stderr)
  return JSON.parse(stdout) as string[]
}

test('importing tsmcp, its transports and its program loads nothing of the gateway', () => {
  const files = loaded('./src/index.ts', './src/http.ts', './src/stdio.ts', './src/cli/run.ts')
  assert.ok(files.some((url) => url.endsWith('/src/cli/serve.ts')))
  const own = files.filter((url) => /\/src\/(?:gateway|client)\/|jsonc-parser/.test(url))
  assert.deepEqual(own, [])
})
