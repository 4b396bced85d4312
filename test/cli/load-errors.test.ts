import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { runCli } from './fake-io.ts'
import { weatherServer, workspace } from './workspace.ts'

suite('a module that cannot be served is answered with one line, the place and what to do', () => {
  const folder = workspace({
    'weather.ts': weatherServer,
    'data.json': '{}',
    'notes.txt': '',
    'syntax.ts': 'const a: number = 1\nexport default {\n  x: a\n  y: 2\n}\n',
    'syntax.mjs': 'const a = 1\nexport default {\n  x: a\n  y: 2\n}\n',
    'twice.ts': 'export const a: number = 1\n\nexport const a = 2\n',
    'imports-syntax.ts': "import './syntax.mjs'\nexport default 1\n",
    'enum.ts': 'const one = 1\nenum Kind { A }\nexport default one\n',
    'no-package.ts': "import x from '@scope/absent/sub'\nexport default x\n",
    'js-ending.ts': "import x from './weather.js'\nexport default x\n",
    'no-ending.ts': "import x from './weather'\nexport default x\n",
    'no-file.ts': "import x from './nowhere.ts'\nexport default x\n",
    'no-name.ts': "\nimport { nothing } from './weather.ts'\nexport default nothing\n",
    'throws.ts':
      "export default 1\nfunction f(): never {\n  throw new TypeError('not today')\n}\nf()\n",
    'throws-text.ts': "throw 'a text'\nexport default 1\n",
    'no-default.ts':
      "import { defineServer } from 'tsmcp'\nexport const weather = defineServer({ name: 'x', version: '1' })\n",
    'nothing.ts': 'export {}\n',
    'number.ts': 'export default 42\n',
    'object.ts': 'export default { port: 1 }\n',
    'function.ts': 'export default () => undefined\n',
    'function-throws.ts': "export default () => {\n  throw new Error('no database')\n}\n",
    'bad-tool.ts':
      "import { defineServer } from 'tsmcp'\nconst s = defineServer({ name: 'x', version: '1' })\ns.tool('a', {}, () => 'a')\ns.tool('a', {}, () => 'b')\nexport default s\n",
    'commonjs.ts': 'module.exports = 1\n',
  })
  mkdirSync(join(folder, 'folder'))
  const need = 'export a server made by defineServer(), or one of the official SDK'
  const cases: [string, string | RegExp][] = [
    ['wether.ts', "there is no file wether.ts, did you mean 'weather.ts'?"],
    ['zzz.ts', 'there is no file zzz.ts: check the path, or make a new project with tsmcp init'],
    ['no/where/x.ts', 'there is no file no/where/x.ts: check the path'],
    ['folder', 'folder is a folder: name the file in it, such as folder/server.ts'],
    [
      'notes.txt',
      'notes.txt is not a module: a TypeScript or JavaScript file is needed (.ts, .mts, .cts, .js, .mjs, .cjs), or an mcp.json',
    ],
    ['data.json', 'data.json:1:1: there is no mcpServers, nor is it an OpenAPI document'],
    ['syntax.ts', /^syntax\.ts:4: SyntaxError: Expected ',', got 'ident'$/],
    ['syntax.mjs', /^syntax\.mjs:4: SyntaxError: Unexpected identifier 'y'$/],
    ['twice.ts', /^twice\.ts:3: SyntaxError: Identifier 'a' has already been declared$/],
    ['imports-syntax.ts', /^syntax\.mjs:4: SyntaxError: Unexpected identifier 'y'$/],
    [
      'enum.ts',
      /^enum\.ts:2: TypeScript enum is not supported in strip-only mode: .* write enums, /,
    ],
    [
      'no-package.ts',
      "no-package.ts imports '@scope/absent', which is not installed: npm install @scope/absent",
    ],
    [
      'js-ending.ts',
      'js-ending.ts imports weather.js, but the file is weather.ts: write its .ts ending in the import',
    ],
    [
      'no-ending.ts',
      'no-ending.ts imports weather, but the file is weather.ts: write its .ts ending in the import',
    ],
    ['no-file.ts', 'no-file.ts imports nowhere.ts, which does not exist: correct the path'],
    ['no-name.ts', /^no-name\.ts:2: SyntaxError: .* does not provide an export named 'nothing'$/],
    ['throws.ts', 'throws.ts:3: TypeError: not today'],
    ['throws-text.ts', 'throws-text.ts threw "a text" while loading'],
    ['no-default.ts', 'no-default.ts has no default export: end it with "export default weather"'],
    ['nothing.ts', 'nothing.ts has no default export: end it with "export default server"'],
    ['number.ts', `number.ts exports a number by default: ${need}`],
    ['object.ts', `object.ts exports an object that is no server by default: ${need}`],
    ['function.ts', `the function that function.ts exports by default returns undefined: ${need}`],
    ['function-throws.ts', 'function-throws.ts:2: Error: no database'],
    ['bad-tool.ts', /^bad-tool\.ts:4: TypeError: .*/],
    [
      'commonjs.ts',
      'commonjs.ts:1: module is not defined in ES module scope: use import and "export default server"',
    ],
  ]
  for (const [file, message] of cases) {
    test(file, async () => {
      const { exitCode, out, err } = await runCli(['list', file], { cwd: folder })
      assert.equal(out, '')
      assert.match(err, /^tsmcp: .*\n$/, 'one line')
      const shown = err.slice('tsmcp: '.length, -1)
      if (typeof message === 'string') assert.equal(shown, message)
      else assert.match(shown, message)
      assert.equal(exitCode, 1)
    })
  }
})

suite('a module is loaded', () => {
  const server = weatherServer
  const sdk1 = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
const make = () => {
  const server = new McpServer({ name: 'first', version: '1.0.0' })
  server.registerTool('greet', { description: 'Greets' }, () => ({ content: [{ type: 'text', text: 'hello' }] }))
  return server
}
`
  const sdk2 = sdk1
    .replace('@modelcontextprotocol/sdk/server/mcp.js', '@modelcontextprotocol/server')
    .replace("'first'", "'second'")
  const folder = workspace({
    'commonjs/package.json': '{ "type": "commonjs" }',
    'commonjs/server.ts': server,
    'typeless/package.json': '{ "name": "x" }',
    'typeless/server.ts': server,
    'server.mts': server,
    'server.mjs': server,
    'later.ts': `${server.replace('export default server', 'export default Promise.resolve(server)')}`,
    'function.ts': `${server.replace('export default server', 'export default async () => server')}`,
    'parts/tool.ts': "export const about: string = 'from a part'\n",
    'parts.ts':
      "import { defineServer } from 'tsmcp'\nimport { about } from './parts/tool.ts'\nconst s = defineServer({ name: 'weather', version: '1.2.3' })\ns.tool('part', { description: about }, () => 'x')\nexport default s\n",
    'sdk1.ts': `${sdk1}export default make()\n`,
    'sdk1-function.ts': `${sdk1}export default make\n`,
    'sdk2.ts': `${sdk2}export default make()\n`,
    'sdk2-function.ts': `${sdk2}export default make\n`,
  })
  const cases: [string, string][] = [
    ['commonjs/server.ts', 'weather'],
    ['typeless/server.ts', 'weather'],
    ['server.mts', 'weather'],
    ['server.mjs', 'weather'],
    ['later.ts', 'weather'],
    ['function.ts', 'weather'],
    ['parts.ts', 'weather'],
    ['sdk1.ts', 'first'],
    ['sdk1-function.ts', 'first'],
    ['sdk2.ts', 'second'],
    ['sdk2-function.ts', 'second'],
  ]
  for (const [file, name] of cases) {
    test(file, async () => {
      const { exitCode, out, err } = await runCli(['list', file, '--json'], { cwd: folder })
      assert.equal(err, '')
      assert.equal(exitCode, 0)
      assert.equal(JSON.parse(out).server.name, name)
    })
  }
})
