import type { Samples } from '../samples.ts'
import {
  gatewayTargets,
  httpTargets,
  manyUpstreams,
  mcpTargets,
  raw2025,
  raw2026,
  securedTargets,
  sessionTargets,
  stdioTargets,
  type Target,
  tsmcp2025,
  tsmcp2026,
  tsmcpDurable,
  tsmcpStdio,
} from '../targets.ts'
import { busyCalls, calmCalls, securedCalls } from '../workloads/calls.ts'
import { gatewayWorkload, manyUpstreamsList } from '../workloads/gateway.ts'
import { imports, importTime } from '../workloads/imports.ts'
import { keptSessions } from '../workloads/kept.ts'
import { idleSessions, openStreams } from '../workloads/memory.ts'
import { sessionRate } from '../workloads/sessions.ts'
import { stdioWorkload } from '../workloads/stdio.ts'
import { manyTools, toolsWorkload } from '../workloads/tools.ts'
import {
  cell,
  count,
  type Format,
  kibibytes,
  mebibytes,
  microseconds,
  milliseconds,
  table,
  times,
} from './format.ts'

type Column = [heading: string, workload: string, value: string, format: Format]

/** One row a target, one median a column, and how many samples the first column is of. */
function matrix(samples: Samples, targets: readonly Target[], columns: Column[]): string {
  const rows = targets.map(({ name, label, revision }) => {
    const cells = columns.map(([, workload, value, format]) =>
      cell(samples.summary(workload, name, value), format),
    )
    const [, workload = '', value = ''] = columns[0] ?? []
    return [label, revision, ...cells, String(samples.summary(workload, name, value)?.n ?? 0)]
  })
  return table(['Server', 'Revision', ...columns.map(([heading]) => heading), 'n'], rows, 2)
}

export function callsTable(samples: Samples): string {
  return matrix(samples, httpTargets, [
    ['calls/s', busyCalls, 'perSecond', count],
    ['p50 ms', busyCalls, 'p50', milliseconds],
    ['p95 ms', busyCalls, 'p95', milliseconds],
    ['p99 ms', busyCalls, 'p99', milliseconds],
  ])
}

/**
 * How tsmcp compares to each of the others in the same era; and what the raw server reaches of
 * them, which is the most that anything on `node:http` could.
 */
export function ratiosTable(samples: Samples): string {
  const rows = httpTargets.flatMap(({ name, label, revision }) => {
    const [ours, ceiling] =
      revision === tsmcp2026.revision ? [tsmcp2026, raw2026] : [tsmcp2025, raw2025]
    if (ours.name === name) return []
    const against = (workload: string, value: string, from = ours) =>
      cell(samples.ratio(value, [workload, from.name], [workload, name]), times)
    return [
      [
        label,
        revision,
        against(busyCalls, 'perSecond'),
        name === ceiling.name ? '-' : against(busyCalls, 'perSecond', ceiling),
        against(calmCalls, 'p50'),
        against(sessionRate, 'perSecond'),
      ],
    ]
  })
  const header = ['Of', 'Revision', 'tsmcp calls/s', 'raw calls/s', 'p50 at 1', 'sessions/s']
  return table(header, rows, 2)
}

export function latencyTable(samples: Samples): string {
  return matrix(samples, httpTargets, [
    ['p50 µs', calmCalls, 'p50', microseconds],
    ['p95 µs', calmCalls, 'p95', microseconds],
    ['p99 µs', calmCalls, 'p99', microseconds],
    ['calls/s', calmCalls, 'perSecond', count],
  ])
}

export function securedTable(samples: Samples): string {
  return matrix(samples, securedTargets, [
    ['calls/s', securedCalls, 'perSecond', count],
    ['p50 ms', securedCalls, 'p50', milliseconds],
    ['p99 ms', securedCalls, 'p99', milliseconds],
  ])
}

export function sessionsTable(samples: Samples): string {
  return matrix(samples, sessionTargets, [
    ['sessions/s', sessionRate, 'perSecond', count],
    ['p50 ms', sessionRate, 'p50', milliseconds],
    ['p99 ms', sessionRate, 'p99', milliseconds],
  ])
}

export function toolsTable(samples: Samples): string {
  return matrix(samples, mcpTargets, [
    ['calls/s, 1 tool', toolsWorkload('call', 1), 'perSecond', count],
    [`calls/s, ${manyTools} tools`, toolsWorkload('call', manyTools), 'perSecond', count],
    ['lists/s, 1 tool', toolsWorkload('list', 1), 'perSecond', count],
    [`lists/s, ${manyTools} tools`, toolsWorkload('list', manyTools), 'perSecond', count],
  ])
}

export function stdioTable(samples: Samples): string {
  return matrix(samples, stdioTargets, [
    ['round trips/s, 1 in flight', stdioWorkload(1), 'perSecond', count],
    ['p50 µs', stdioWorkload(1), 'p50', microseconds],
    ['p99 µs', stdioWorkload(1), 'p99', microseconds],
    ['round trips/s, 64 in flight', stdioWorkload(64), 'perSecond', count],
  ])
}

export function gatewayTable(samples: Samples): string {
  return matrix(
    samples,
    [tsmcpStdio, ...gatewayTargets],
    [
      ['p50 µs, 1 connection', gatewayWorkload(1), 'p50', microseconds],
      ['p99 µs', gatewayWorkload(1), 'p99', microseconds],
      ['calls/s, 8 connections', gatewayWorkload(8), 'perSecond', count],
      ['p50 µs', gatewayWorkload(8), 'p50', microseconds],
    ],
  )
}

export function gatewayListTable(samples: Samples): string {
  return matrix(
    samples,
    [manyUpstreams],
    [
      ['p50 µs', manyUpstreamsList, 'p50', microseconds],
      ['p99 µs', manyUpstreamsList, 'p99', microseconds],
      ['RSS, MiB', manyUpstreamsList, 'residentBytes', mebibytes],
    ],
  )
}

export function memoryTable(samples: Samples): string {
  return matrix(samples, sessionTargets, [
    ['heap/session KiB', idleSessions, 'heapBytes', kibibytes],
    ['RSS/session KiB', idleSessions, 'residentBytes', kibibytes],
    ['heap/stream KiB', openStreams, 'heapBytes', kibibytes],
    ['RSS/stream KiB', openStreams, 'residentBytes', kibibytes],
    ['RSS before, MiB', idleSessions, 'baseBytes', mebibytes],
  ])
}

export function keptTable(samples: Samples): string {
  return matrix(
    samples,
    [tsmcpDurable],
    [
      ['look-up p50 µs', keptSessions, 'p50', microseconds],
      ['p95 µs', keptSessions, 'p95', microseconds],
      ['p99 µs', keptSessions, 'p99', microseconds],
      ['start to first answer, ms', keptSessions, 'firstAnswerMs', milliseconds],
    ],
  )
}

export function importsTable(samples: Samples): string {
  const rows = imports.map(({ name, label }) => {
    const summary = samples.summary(importTime, name, 'ms')
    return [label, cell(summary, milliseconds), String(summary?.n ?? 0)]
  })
  return table(['Import of', 'ms', 'n'], rows)
}

/** What the validity rule and the checks took out, row by row. */
export function droppedTable(samples: Samples): string {
  const groups = Map.groupBy(
    samples.all.filter(({ dropped }) => dropped !== undefined),
    ({ workload, target, dropped }) => [workload, target, dropped].join('\t'),
  )
  if (groups.size === 0) return 'None.'
  const rows = [...groups].map(([key, dropped]) => {
    const [workload = '', target = '', reason = ''] = key.split('\t')
    const used = dropped
      .map(({ serverCpu, otherCpu }) => [serverCpu, otherCpu].map((s) => s?.toFixed(2)).join('/'))
      .join(', ')
    return [workload, target, reason, String(dropped.length), used, dropped[0]?.detail ?? '']
  })
  const header = [
    'Workload',
    'Target',
    'Dropped because',
    'Samples',
    'CPU of server/others',
    'Detail',
  ]
  return table(header, rows, header.length)
}
