import { description, echo, implementation, schema, toolNames } from './echo.ts'

// As in tsmcp.ts: built files, types from the sources.
const dist = (file: string) => new URL(`../../dist/${file}.js`, import.meta.url).href
const { defineServer }: typeof import('../../src/index.ts') = await import(dist('index'))
const { serveStdio }: typeof import('../../src/stdio.ts') = await import(dist('stdio'))

const server = defineServer(implementation)
for (const name of toolNames) server.tool(name, { description, input: schema }, echo)
serveStdio(server)
