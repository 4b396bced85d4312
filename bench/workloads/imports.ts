import { spawnSync } from 'node:child_process'
import type { GaugeReading } from '../load/gauge.ts'
import { nodeOnCore, serverCore } from '../processes/child.ts'
import { type Context, record } from './context.ts'

export const importTime = 'import'

export interface Import {
  name: string
  label: string
  modules: string[]
}

const dist = (file: string) => new URL(`../../dist/${file}.js`, import.meta.url).href

const entry = (name: string, label: string, ...modules: string[]): Import => ({
  name,
  label,
  modules: modules.map((module) => (module.startsWith('/') ? dist(module.slice(1)) : module)),
})

export const httpImport = 'tsmcp/http'

export const imports: readonly Import[] = [
  entry('node:http', 'node:http alone', 'node:http'),
  entry('tsmcp', '**tsmcp**', '/index'),
  entry(httpImport, '**tsmcp** and tsmcp/http', '/index', '/http'),
  entry(
    'sdk-v1',
    'official SDK v1, server and HTTP transport',
    '@modelcontextprotocol/sdk/server/mcp.js',
    '@modelcontextprotocol/sdk/server/streamableHttp.js',
  ),
  entry(
    'sdk-v2',
    'official SDK v2, server and Node adapter',
    '@modelcontextprotocol/server',
    '@modelcontextprotocol/node',
  ),
  entry('mcp-lite', 'mcp-lite, hono and its Node adapter', 'mcp-lite', 'hono', '@hono/node-server'),
]

/** Runs a fresh process that imports the modules and ends; milliseconds from start to end. */
function processMs(modules: string[]): number {
  const source = modules.map((module) => `import ${JSON.stringify(module)}`).join('\n')
  const [command, commandArguments] = nodeOnCore(serverCore, [
    '--input-type=module',
    '--eval',
    source,
  ])
  const started = performance.now()
  const { status, stderr } = spawnSync(command, commandArguments, {
    // From here the bare names resolve to what the bench has installed.
    cwd: import.meta.dirname,
    encoding: 'utf8',
    env: { ...process.env, NODE_ENV: 'production' },
    timeout: 20_000,
  })
  if (status !== 0)
    throw new Error(
      stderr
        .trim()
        .split('\n')
        .find((line) => /Error/.test(line)),
    )
  return performance.now() - started
}

/** Sharing the core makes a process last longer; so much is still noise. */
const sharing = 1.2

/** Each sample is an importing process minus an empty one that ran right before it. */
export async function runImportWorkload(context: Context): Promise<void> {
  const repetitions = context.isQuick ? 3 : 7
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const target of imports) {
      if (!context.includes(importTime, target)) continue
      await record(context, { workload: importTime, target }, async () => {
        const before = await context.load<GaugeReading>('gauge', {})
        const emptyMs = processMs([])
        const values = { ms: processMs(target.modules) - emptyMs, emptyMs }
        const after = await context.load<GaugeReading>('gauge', {})
        const gaugeMs = (before.cpuMs + after.cpuMs) / 2
        const wasShared = [before, after].some(({ cpuMs, wallMs }) => wallMs > cpuMs * sharing)
        return {
          values,
          gaugeMs,
          ...(wasShared ? { dropped: 'other work on the cores' as const } : {}),
        }
      })
    }
  }
}
