import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import type { SessionsPlan } from '../load/sessions.ts'
import type { WindowResult } from '../load/window.ts'
import type { Options } from '../options.ts'
import { Generator } from '../processes/generator.ts'
import { ask } from '../processes/ipc.ts'
import { table } from '../report/format.ts'
import { Samples } from '../samples.ts'
import { httpTargets, sessionTargets, type Target } from '../targets.ts'
import { busyCalls, windowOf } from '../workloads/calls.ts'
import { type Context, jobTimeoutMs, type RunningServer, withServer } from '../workloads/context.ts'
import { sessionRate } from '../workloads/sessions.ts'
import { areaShares, callTree, ownTimes } from './cpu-profile.ts'
import { flameGraph } from './flame-graph.ts'

const folder = join(import.meta.dirname, '../results/profiles')
const topCount = 40

interface Profiled {
  readonly workload: string
  readonly target: Target
  readonly load: (context: Context, server: RunningServer) => Promise<WindowResult>
}

const profiled: readonly Profiled[] = [
  ...tsmcpFirst(httpTargets).map((target) => ({ workload: busyCalls, target, load: calls })),
  ...tsmcpFirst(sessionTargets).map((target) => ({
    workload: sessionRate,
    target,
    load: sessions,
  })),
]

/**
 * Profiles one server under 64 connections: prints where its own time goes, and leaves the profile and a flame graph.
 *
 * @throws Error when nothing is named like `options.only`
 */
export async function runProfile(options: Options): Promise<void> {
  const found = profiled.find(({ workload, target }) =>
    options.only.test(`${workload} ${target.name}`),
  )
  if (!found) {
    const names = profiled.map(({ workload, target }) => `${workload} ${target.name}`)
    throw new Error(`nothing matches ${options.only}; there are ${names.join(', ')}`)
  }
  const { workload, target } = found
  const written = await mkdtemp(join(tmpdir(), 'tsmcp-profile-'))
  const generator = new Generator()
  try {
    const nodeFlags = ['--cpu-prof', `--cpu-prof-dir=${written}`]
    const result = await withServer(target, { nodeFlags }, async (server) => {
      const context: Context = {
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
      const window = await found.load(context, server)
      // A process that ends by itself writes its profile; one that is killed does not.
      await ask(server.child, 'stop')
      return window
    })
    const file = await largest(written)
    const tree = callTree(JSON.parse(await readFile(file, 'utf8')))
    const title = `${workload} ${target.name}: ${Math.round(result.perSecond)} a second while profiled`
    console.log(`${title}\n`)
    const microseconds = (1e6 * result.serverCpu) / result.perSecond
    const areas = areaShares(tree).map(({ area, share }) => [
      area,
      (share * microseconds).toFixed(2),
      percent(share),
    ])
    console.log(`${table(['Part', 'µs each', 'Share'], areas, 1)}\n`)
    const rows = ownTimes(tree)
      .slice(0, topCount)
      .map(({ name, place, share }) => [name, place, percent(share)])
    console.log(`${table(['Function', 'Where', 'Self'], rows, 2)}\n`)
    await keep(`${workload}-${target.name}`.replace(/\W+/g, '-'), file, flameGraph(title, tree))
  } finally {
    await generator.close()
    await rm(written, { recursive: true, force: true })
  }
}

/** Each thread of the server has written a profile; the main one's is the largest. */
async function largest(written: string): Promise<string> {
  const files = await readdir(written)
  const texts = await Promise.all(
    files.map(async (name) => ({ name, size: (await readFile(join(written, name))).length })),
  )
  const [first] = texts.toSorted((a, b) => b.size - a.size)
  if (!first) throw new Error('the server left no profile')
  return join(written, first.name)
}

async function keep(name: string, profile: string, graph: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const [profilePath, graphPath] = [`${name}.cpuprofile`, `${name}.svg`].map((file) =>
    join(folder, file),
  ) as [string, string]
  await copyFile(profile, profilePath)
  await writeFile(graphPath, graph)
  for (const path of [profilePath, graphPath]) console.log(`wrote ${relative('.', path)}`)
}

function calls(context: Context, server: RunningServer): Promise<WindowResult> {
  return windowOf(context, server, {})
}

function sessions(context: Context, { peer, pid }: RunningServer): Promise<WindowResult> {
  const { warmupMs, windowMs } = context
  const plan: SessionsPlan = { peer, serverPid: pid, connections: 64, warmupMs, windowMs }
  return context.load('sessions', plan, jobTimeoutMs(plan))
}

const percent = (share: number): string => `${(100 * share).toFixed(1)}%`

/** What is profiled unless told otherwise is ours. */
function tsmcpFirst(targets: readonly Target[]): Target[] {
  const isOurs = ({ name }: Target): boolean => name.startsWith('tsmcp')
  return targets.toSorted((a, b) => Number(isOurs(b)) - Number(isOurs(a)))
}
