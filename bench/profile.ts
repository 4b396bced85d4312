import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Options } from './options.ts'
import { Generator } from './processes/generator.ts'
import { ask } from './processes/ipc.ts'
import { table } from './report/format.ts'
import { Samples } from './samples.ts'
import { mcpTargets, tsmcp2025 } from './targets.ts'
import { windowOf } from './workloads/calls.ts'
import { withServer } from './workloads/context.ts'

interface CpuProfile {
  nodes: {
    id: number
    callFrame: { functionName: string; url: string; lineNumber: number }
  }[]
  samples: number[]
  timeDeltas: number[]
}

const topCount = 40

/** Profiles one server under 64 connections of calls and prints where its own time goes. */
export async function runProfile(options: Options): Promise<void> {
  const target =
    options.only.source === '(?:)'
      ? tsmcp2025
      : mcpTargets.find(({ name }) => options.only.test(name))
  if (!target) throw new Error(`no target matches ${options.only}`)
  const folder = await mkdtemp(join(tmpdir(), 'tsmcp-profile-'))
  const generator = new Generator()
  try {
    const nodeFlags = ['--cpu-prof', `--cpu-prof-dir=${folder}`]
    const result = await withServer(target, { nodeFlags }, async (server) => {
      const context = {
        round: 0,
        warmupMs: 2_500,
        windowMs: options.seconds * 1_000,
        isQuick: options.isQuick,
        samples: new Samples(),
        includes: () => true,
        load: <Value>(job: string, plan: object, timeoutMs?: number) =>
          generator.run<Value>(job, plan, timeoutMs),
        say: console.log,
      }
      const window = await windowOf(context, server, {})
      // A process that ends by itself writes its profile; one that is killed does not.
      await ask(server.child, 'stop')
      return window
    })
    const [file] = await readdir(folder)
    if (!file) throw new Error('the server left no profile')
    const profile: CpuProfile = JSON.parse(await readFile(join(folder, file), 'utf8'))
    console.log(`${target.name}: ${Math.round(result.perSecond)} calls/s while profiled\n`)
    console.log(topFunctions(profile))
  } finally {
    await generator.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Self time by function, over the samples after the start-up. */
function topFunctions({ nodes, samples, timeDeltas }: CpuProfile): string {
  const places = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
      const file = url.split('/').slice(-3).join('/')
      const place = url ? `${file}:${lineNumber + 1}` : '(native)'
      return [id, `${functionName || '(anonymous)'}\t${place}`]
    }),
  )
  const selfMicroseconds = new Map<string, number>()
  let total = 0
  // Start-up and the first compilations are not what a long-running server does.
  for (let index = Math.floor(samples.length * 0.3); index < samples.length; index++) {
    const place = places.get(samples[index] ?? 0) ?? '(unknown)\t'
    const spent = timeDeltas[index] ?? 0
    if (place.startsWith('(idle)')) continue
    selfMicroseconds.set(place, (selfMicroseconds.get(place) ?? 0) + spent)
    total += spent
  }
  const rows = [...selfMicroseconds]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, topCount)
    .map(([place, spent]) => [...place.split('\t'), `${((100 * spent) / total).toFixed(1)}%`])
  return table(['Function', 'Where', 'Self'], rows, 2)
}
