/**
 * What it costs to watch a server: `node bench/observability-cost.ts [ROUNDS]`, after `npm run build`.
 *
 * Servers that tell nothing, count, sample one trace in a hundred and all of them run side by side and are loaded in turn,
 * each for a moment, round after round. What is compared is the processor time of a call, within each round, so that what
 * else goes on in the machine meets all of them alike; the figure is the median of the rounds.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const rounds = Number(process.argv[2] ?? 10)
const windowMs = 700
const connections = 32
/** Of the processor time that Linux counts. */
const tickMs = 10

const body = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: {
    name: 'echo',
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
})
const headers = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': 'tools/call',
  'mcp-name': 'echo',
  'content-length': body.length,
}

interface Target {
  readonly name: string
  readonly child: ChildProcess
  readonly port: number
  readonly agent: Agent
}

async function start(
  name: string,
  file: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<Target> {
  const child = spawn(
    process.execPath,
    [join(root, 'dist/cli/main.js'), 'serve', file, '--port', '0', '--json', ...args],
    { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'ignore'] },
  )
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const { url } = JSON.parse(String(line).split('\n')[0] ?? '') as { url: string }
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  return { name, child, port: Number(new URL(url).port), agent }
}

function call({ port, agent }: Target): Promise<void> {
  return new Promise((resolve, reject) => {
    const sending = request({
      host: '127.0.0.1',
      port,
      path: '/mcp',
      method: 'POST',
      agent,
      headers,
    })
    sending.on('response', (response) => response.resume().on('end', resolve))
    sending.on('error', reject)
    sending.end(body)
  })
}

function processorMs({ child }: Target): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(' ')
  return (Number(fields[13]) + Number(fields[14])) * tickMs
}

/** Microseconds of processor time that a call takes. */
async function measure(target: Target): Promise<number> {
  let [calls, isOver] = [0, false]
  const before = processorMs(target)
  const timer = setTimeout(() => {
    isOver = true
  }, windowMs)
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (!isOver) {
        await call(target)
        calls += 1
      }
    }),
  )
  clearTimeout(timer)
  return ((processorMs(target) - before) * 1000) / calls
}

const folder = mkdtempSync(join(tmpdir(), 'tsmcp-bench-'))
symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
const file = join(folder, 'echo.ts')
writeFileSync(
  file,
  `import { defineServer } from 'tsmcp'
const server = defineServer({ name: 'echo', version: '1.0.0' })
server.tool('echo', {}, () => 'echo')
export default server
`,
)
const collector = createServer((incoming, response) => {
  incoming.resume().on('end', () => response.end())
})
collector.listen(0, '127.0.0.1')
await once(collector, 'listening')
const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
const traced = (sampler: string, share: string): Record<string, string> => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
  OTEL_TRACES_SAMPLER: sampler,
  OTEL_TRACES_SAMPLER_ARG: share,
})
const targets: Target[] = []
try {
  targets.push(await start('off', file, ['--log-level', 'silent'], {}))
  targets.push(await start('metrics and logs', file, ['--admin', ':0'], {}))
  const all = ['--admin', ':0', '--otel']
  targets.push(await start('traces at 1 %', file, all, traced('traceidratio', '0.01')))
  targets.push(await start('traces at 100 %', file, all, traced('always_on', '1')))
  for (const target of targets) for (let warm = 0; warm < 3; warm += 1) await measure(target)
  const ratios = new Map<string, number[]>(targets.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    const figures: number[] = []
    // Another one begins each time: who comes later finds the machine in another state.
    for (let turn = 0; turn < targets.length; turn += 1) {
      const index = (round + turn) % targets.length
      const target = targets[index]
      if (target !== undefined) figures[index] = await measure(target)
    }
    targets.forEach(({ name }, index) => {
      ratios.get(name)?.push((figures[0] ?? 0) / (figures[index] ?? 1))
    })
  }
  for (const [name, all] of ratios) {
    const sorted = [...all].sort((a, b) => a - b)
    const median = sorted[sorted.length >> 1] ?? 0
    const [low = 0, high = 0] = [sorted[0], sorted.at(-1)]
    console.log(`${name.padEnd(18)} ${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`)
  }
} finally {
  for (const { child, agent } of targets) {
    agent.destroy()
    child.kill('SIGKILL')
  }
  collector.close()
  collector.closeAllConnections()
  rmSync(folder, { recursive: true, force: true })
}
