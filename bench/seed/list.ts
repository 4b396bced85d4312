import type { ListenerKind } from '../load/listeners.ts'
import { count, type Format, kibibytes, milliseconds, times } from '../report/format.ts'
import { measureHeld, measureMixed } from './held.ts'
import { measureLoop } from './measure-loop.ts'
import { measureWorkers } from './workers.ts'
import type { SeedBar, SeedWorkload } from './workload.ts'

export const millions: Format = (value) => `${(value / 1e6).toFixed(2)}M`
const rates = [
  { value: 'perSecond', label: 'operations/s', format: count },
  { value: 'nanoseconds', label: 'ns each', format: (value: number) => value.toFixed(1) },
] as const

/** A workload of one process and one core. */
function loop(
  parts: Omit<SeedWorkload, 'columns' | 'measure'> & { readonly loop: string },
): SeedWorkload {
  const { loop: name, ...workload } = parts
  return {
    ...workload,
    columns: rates,
    measure: (context, size) => measureLoop(context, name, size),
  }
}

const atLeast = (size: number, limit: number): SeedBar => ({
  claim: `at ${count(size)}`,
  size,
  value: 'perSecond',
  limit,
})

/** Connections that listen; the bars are those of the issue, at the size of the seed. */
function held(parts: {
  readonly kind: ListenerKind
  readonly title: string
  readonly connection: string
  readonly maxBytes: number
}): SeedWorkload {
  const { kind, title, connection, maxBytes } = parts
  const size = 52_000
  const atMost = { size, isUpperLimit: true }
  return {
    name: `held-${kind}`,
    title,
    unit: 'connections',
    definition: `${connection}, each with a session of its own that is kept on disk, from three client processes and many loopback addresses, to one \`tsmcp serve --workers 3 --data\` (a process here may open 20,000 files). RSS is that of all its processes, over 1000 connections that were there before. Meanwhile 16 more connections call a tool in a closed loop, as they did before; then the list of tools changes in every process, and it is told to all. A lost connection fails the run.`,
    sizes: [1000, 10_000, size],
    columns: [
      { value: 'residentBytes', label: 'RSS each, KiB', format: kibibytes },
      { value: 'p50', label: 'call p50, ms', format: milliseconds },
      { value: 'p95', label: 'call p95, ms', format: milliseconds },
      { value: 'p95Ratio', label: 'p95, of that without them', format: times },
      { value: 'toldMs', label: 'all told of a change, ms', format: milliseconds },
    ],
    bars: [
      {
        ...atMost,
        claim: 'RSS each, KiB',
        value: 'residentBytes',
        limit: maxBytes,
        format: kibibytes,
      },
      {
        ...atMost,
        claim: 'p95 of calls, of that without them',
        value: 'p95Ratio',
        limit: 2,
        format: times,
      },
      {
        ...atMost,
        claim: 'all told of a change, ms',
        value: 'toldMs',
        limit: 3000,
        format: milliseconds,
      },
    ],
    measure: (context, connections) => measureHeld(context, kind, connections),
  }
}

const manyNames = [1000, 10_000, 100_000]
const busyRegistry =
  'Each name has one of 100 holders and a monitor, one watcher looks at all kinds and one at a prefix.'

/**
 * Every row of the seed's table that has a workload. A further one is one more entry here: its definition is printed
 * beside its figures.
 */
export const seedWorkloads: readonly SeedWorkload[] = [
  loop({
    name: 'registry-look-up',
    title: 'Registry: look-ups',
    unit: 'names',
    loop: 'lookUp',
    definition: `${busyRegistry} All names are looked up in random order; each comes as a string of 20 characters that has just been cut from bytes, so that its hash is not known and it is no key of the table already.`,
    sizes: manyNames,
    bars: [atLeast(100_000, 4_080_000)],
  }),
  loop({
    name: 'registry-register',
    title: 'Registry: register and unregister',
    unit: 'names',
    loop: 'registerAndUnregister',
    definition: `${busyRegistry} Beside those that are there a new name is registered with holder and monitor and unregistered again, by another string of the same characters; the pair is one operation, and the test fails unless monitor and watcher have been told of each.`,
    sizes: manyNames,
    bars: [atLeast(100_000, 1_000_000)],
  }),
  loop({
    name: 'registry-watch',
    title: 'Registry: watchers told',
    unit: 'names',
    loop: 'watch',
    definition:
      '100 watchers, 98 of them for one of ten prefixes. Names with these prefixes come and go; an operation is one watcher told of one change.',
    sizes: manyNames,
    bars: [],
  }),
  loop({
    name: 'registry-holder',
    title: 'Registry: a holder goes away',
    unit: 'names',
    loop: 'holderEnds',
    definition:
      'A holder of all the names, each with a monitor, ends; an operation is one name that is gone, with its monitor and a watcher told.',
    sizes: manyNames,
    bars: [],
  }),
  loop({
    name: 'queue',
    title: 'Queue: enqueue and dequeue',
    unit: 'items waiting',
    loop: 'ring',
    definition:
      'A queue bounded at 131,072 that holds one item less than the size: one is added at the end and one taken from the front. The pair is one operation; the run fails if an item is lost.',
    sizes: [1, 1000, 10_000, 100_000],
    bars: [atLeast(1, 50_530_000), atLeast(100_000, 50_530_000)],
  }),
  loop({
    name: 'fair-queue',
    title: 'Queue with priorities, fairness and deadlines',
    unit: 'items waiting',
    loop: 'fair',
    definition:
      'The same with the queue that admits requests: 1000 clients take turns, three priorities share 8 to 4 to 1, each item has a deadline that is checked, and depth, peak and refusals are counted.',
    sizes: [1, 1000, 10_000, 100_000],
    bars: [atLeast(1, 10_000_000), atLeast(100_000, 10_000_000)],
  }),
  held({
    kind: 'stream',
    title: '52,000 event streams',
    connection: 'Open `GET` event streams of 2025-11-25',
    maxBytes: 5 * 1024,
  }),
  held({
    kind: 'web-socket',
    title: '52,000 WebSockets',
    connection: 'WebSockets in 2025-11-25',
    maxBytes: 6 * 1024,
  }),
  {
    name: 'workers',
    title: 'Workers',
    unit: 'workers',
    definition:
      'Calls over 32 connections of a tool that keeps its processor for 0.5 ms, to one process and then to so many workers of `tsmcp serve --workers --data`, each with sessions that are kept. The tool works, so that the generator leaves its core nearly free.',
    sizes: [2],
    columns: [
      { value: 'one', label: 'calls/s with one', format: count },
      { value: 'perSecond', label: 'calls/s', format: count },
      { value: 'ratio', label: 'of one', format: times },
      { value: 'p95', label: 'call p95, ms', format: milliseconds },
    ],
    bars: [{ claim: 'calls, of one process', size: 2, value: 'ratio', limit: 1.6, format: times }],
    measure: measureWorkers,
  },
  {
    name: 'mixed',
    title: 'Everything at once',
    unit: 'connections',
    definition:
      'Half of the connections are event streams and half WebSockets, all told of a change of the list each second, while 16 connections call a tool and 4 open sessions, kept on disk, in closed loops.',
    sizes: [1000, 10_000],
    columns: [
      { value: 'perSecond', label: 'calls/s', format: count },
      { value: 'p50', label: 'call p50, ms', format: milliseconds },
      { value: 'p95', label: 'call p95, ms', format: milliseconds },
      { value: 'sessionsPerSecond', label: 'sessions/s', format: count },
      { value: 'toldMs', label: 'slowest change told, ms', format: milliseconds },
    ],
    bars: [],
    measure: measureMixed,
  },
]
