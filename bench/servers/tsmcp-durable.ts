import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { description, echo, implementation, schema, toolNames } from './echo.ts'
import { serve } from './harness.ts'

// As in tsmcp.ts: the built files, with the types of the sources.
const dist = (file: string) => new URL(`../../dist/${file}.js`, import.meta.url).href
const { defineServer }: typeof import('../../src/index.ts') = await import(dist('index'))
const { serveHttp }: typeof import('../../src/http.ts') = await import(dist('http'))

const given = process.env.BENCH_DATA
const data = given ?? mkdtempSync(join(tmpdir(), 'tsmcp-bench-'))
if (given === undefined) {
  process.once('exit', () => rmSync(data, { recursive: true, force: true }))
}

const server = defineServer(implementation)
for (const name of toolNames) server.tool(name, { description, input: schema }, echo)

const listener = await serveHttp(server, { port: 0, data, sessions: { max: 2_000_000 } })
serve(Number(new URL(listener.url).port))
