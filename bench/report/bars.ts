import type { Samples, Summary } from '../samples.ts'
import {
  manyUpstreams,
  mcpLite,
  mcpProxy,
  raw2025,
  raw2026,
  sdkV1,
  sdkV1Express,
  sdkV1Stdio,
  sdkV2Stateless,
  supergateway,
  type Target,
  tsmcp2025,
  tsmcp2026,
  tsmcpDurable,
  tsmcpGateway,
  tsmcpSecured2025,
  tsmcpSecured2026,
  tsmcpStdio,
} from '../targets.ts'
import { busyCalls, calmCalls, securedCalls } from '../workloads/calls.ts'
import { gatewayWorkload, manyUpstreamsList } from '../workloads/gateway.ts'
import { httpImport, importTime } from '../workloads/imports.ts'
import { keptSessions } from '../workloads/kept.ts'
import { idleSessions } from '../workloads/memory.ts'
import { sessionRate } from '../workloads/sessions.ts'
import { stdioWorkload } from '../workloads/stdio.ts'
import { manyTools, toolsWorkload } from '../workloads/tools.ts'
import { cell, type Format, kibibytes, microseconds, milliseconds, table, times } from './format.ts'

/** What the project promises of itself, and what this run found. */
export interface Bar {
  claim: string
  limit: number
  isUpperLimit: boolean
  format: Format
  measured: Summary | undefined
}

export type Verdict = 'met' | 'not met' | 'met (flagged)' | 'not met (flagged)' | 'not measured'

/** Two medians of equal costs differ by a few percent; "no more per call" allows for that. */
const equalWithin = 0.05

export function bars(samples: Samples): Bar[] {
  const ratio = (workload: string, value: string, ours: Target, theirs: Target) =>
    samples.ratio(value, [workload, ours.name], [workload, theirs.name])
  const atLeast = (claim: string, limit: number, measured: Summary | undefined): Bar => ({
    claim,
    limit,
    isUpperLimit: false,
    format: times,
    measured,
  })
  const atMost = (claim: string, limit: number, measured: Summary | undefined): Bar => ({
    ...atLeast(claim, limit, measured),
    isUpperLimit: true,
  })
  const kept = (claim: string, limit: number, value: string, format: Format): Bar => ({
    ...atMost(claim, limit, samples.summary(keptSessions, tsmcpDurable.name, value)),
    format,
  })
  const calls = (ours: Target, theirs: Target) => ratio(busyCalls, 'perSecond', ours, theirs)
  const secured = (ours: Target, theirs: Target) => ratio(securedCalls, 'perSecond', ours, theirs)
  const toolCost = (target: Target) =>
    samples.ratio(
      'perSecond',
      [toolsWorkload('call', manyTools), target.name],
      [toolsWorkload('call', 1), target.name],
    )
  return [
    atLeast('tools/call, of SDK v1 as documented', 10, calls(tsmcp2025, sdkV1Express)),
    atLeast('tools/call, of SDK v1 on node:http', 10, calls(tsmcp2025, sdkV1)),
    atLeast('tools/call, of SDK v2 in 2026-07-28', 15, calls(tsmcp2026, sdkV2Stateless)),
    atLeast('tools/call, of mcp-lite', 2.2, calls(tsmcp2025, mcpLite)),
    atLeast('tools/call, of raw node:http, 2025-11-25', 0.75, calls(tsmcp2025, raw2025)),
    atLeast('tools/call, of raw node:http, 2026-07-28', 0.75, calls(tsmcp2026, raw2026)),
    atLeast(
      'all security on, of raw node:http, 2025-11-25',
      0.6,
      secured(tsmcpSecured2025, raw2025),
    ),
    atLeast(
      'all security on, of raw node:http, 2026-07-28',
      0.6,
      secured(tsmcpSecured2026, raw2026),
    ),
    atLeast('all security on, of SDK v1 without any', 6, secured(tsmcpSecured2025, sdkV1Express)),
    atLeast('sessions opened, of SDK v1', 10, ratio(sessionRate, 'perSecond', tsmcp2025, sdkV1)),
    // At most 25 % more than in memory.
    atLeast(
      'sessions opened where they are kept, of memory',
      0.8,
      ratio(sessionRate, 'perSecond', tsmcpDurable, tsmcp2025),
    ),
    kept('look-up of a kept session, p50, µs', 0.05, 'p50', microseconds),
    kept('look-up of a kept session, p95, µs', 0.12, 'p95', microseconds),
    kept('first answer with 50,000 kept sessions, ms', 1000, 'firstAnswerMs', milliseconds),
    atMost(
      'p50 at one connection, of raw, 2025-11-25',
      1.2,
      ratio(calmCalls, 'p50', tsmcp2025, raw2025),
    ),
    atMost(
      'p50 at one connection, of raw, 2026-07-28',
      1.2,
      ratio(calmCalls, 'p50', tsmcp2026, raw2026),
    ),
    atLeast(
      'stdio with 64 in flight, of SDK v1',
      3,
      ratio(stdioWorkload(64), 'perSecond', tsmcpStdio, sdkV1Stdio),
    ),
    {
      ...atMost(
        'heap per idle session, KiB',
        2 * 1024,
        samples.summary(idleSessions, tsmcp2025.name, 'heapBytes'),
      ),
      format: kibibytes,
    },
    {
      ...atMost('gateway: added p50 at one connection, ms', 0.3, addedByGateway(samples)),
      format: (ms) => ms.toFixed(3),
    },
    {
      ...atMost(
        'gateway: tools/list of 200 upstreams of 50 tools, a page of 1000, p50, ms',
        1,
        samples.summary(manyUpstreamsList, manyUpstreams.name, 'p50'),
      ),
      format: (ms) => ms.toFixed(3),
    },
    ...[mcpProxy, supergateway].map((other) =>
      atLeast(
        `gateway: calls at 8 connections, of ${other.label}`,
        3,
        ratio(gatewayWorkload(8), 'perSecond', tsmcpGateway, other),
      ),
    ),
    atLeast('calls with 500 tools, of 1 tool, 2025-11-25', 1 - equalWithin, toolCost(tsmcp2025)),
    atLeast('calls with 500 tools, of 1 tool, 2026-07-28', 1 - equalWithin, toolCost(tsmcp2026)),
    {
      ...atMost(
        'import of tsmcp and tsmcp/http, ms',
        30,
        samples.summary(importTime, httpImport, 'ms'),
      ),
      format: milliseconds,
    },
  ]
}

/** What the way through the gateway adds to that of a client of the upstream itself. */
function addedByGateway(samples: Samples): Summary | undefined {
  const through = samples.summary(gatewayWorkload(1), tsmcpGateway.name, 'p50')
  const direct = samples.summary(gatewayWorkload(1), tsmcpStdio.name, 'p50')
  if (through === undefined || direct === undefined) return undefined
  return {
    median: through.median - direct.median,
    n: Math.min(through.n, direct.n),
    isFlagged: through.isFlagged || direct.isFlagged,
  }
}

export function verdict({ measured, limit, isUpperLimit }: Bar): Verdict {
  if (!measured || Number.isNaN(measured.median)) return 'not measured'
  const isMet = isUpperLimit ? measured.median <= limit : measured.median >= limit
  if (!measured.isFlagged) return isMet ? 'met' : 'not met'
  return isMet ? 'met (flagged)' : 'not met (flagged)'
}

export function barsTable(samples: Samples): string {
  const rows = bars(samples).map((bar) => [
    bar.claim,
    verdict(bar),
    `${bar.isUpperLimit ? '≤' : '≥'} ${bar.format(bar.limit)}`,
    cell(bar.measured, bar.format),
    String(bar.measured?.n ?? 0),
  ])
  return table(['Bar', 'Verdict', 'Wanted', 'Measured', 'n'], rows, 2)
}
