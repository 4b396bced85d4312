import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inRepository, serveByCommand, upstream } from './by-command.ts'

const folder = mkdtempSync(join(tmpdir(), 'tsmcp-bench-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const file = join(folder, 'mcp.json')
const entry = { command: process.execPath, args: [upstream], tsmcp: { prefix: '' } }
writeFileSync(file, JSON.stringify({ mcpServers: { upstream: entry } }))

serveByCommand((port) => [inRepository('dist/cli/main.js'), 'serve', file, '--port', String(port)])
