import { description, echo, implementation, schema, toolNames } from './echo.ts'
import { serve } from './harness.ts'

// What is measured is what is published: the built files. The types come from the sources, so that
// a type-check needs no build before it.
const dist = (file: string) => new URL(`../../dist/${file}.js`, import.meta.url).href
const { defineServer }: typeof import('../../src/index.ts') = await import(dist('index'))
const { serveHttp }: typeof import('../../src/http.ts') = await import(dist('http'))

const server = defineServer(implementation)
for (const name of toolNames) server.tool(name, { description, input: schema }, echo)

// The workload that opens sessions as fast as it can would reach the default cap.
const listener = await serveHttp(server, { port: 0, sessions: { max: 2_000_000 } })
serve(Number(new URL(listener.url).port))
