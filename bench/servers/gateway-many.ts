import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inRepository, serveByCommand } from './by-command.ts'
import { description, echo, implementation, schema } from './echo.ts'

const upstreams = 200
const tools = 50

// As in tsmcp.ts: the built files, with the types of the sources.
const dist = (file: string) => new URL(`../../dist/${file}.js`, import.meta.url).href
const { defineServer }: typeof import('../../src/index.ts') = await import(dist('index'))
const { serveHttp }: typeof import('../../src/http.ts') = await import(dist('http'))

const server = defineServer(implementation)
for (let index = 0; index < tools; index++) {
  server.tool(`echo_${index}`, { description, input: schema }, echo)
}
// One server stands for all upstreams: what is measured is before them.
const { url } = await serveHttp(server, { port: 0 })

const folder = mkdtempSync(join(tmpdir(), 'tsmcp-bench-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const file = join(folder, 'mcp.json')
const names = Array.from({ length: upstreams }, (_, index) => `upstream${index}`)
writeFileSync(
  file,
  JSON.stringify({ mcpServers: Object.fromEntries(names.map((name) => [name, { url }])) }),
)

serveByCommand((port) => [inRepository('dist/cli/main.js'), 'serve', file, '--port', String(port)])
