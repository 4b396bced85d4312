import { isJsonObject } from '../../protocol/json-rpc.ts'
import type { AlertState } from '../alerts/evaluator.ts'
import { isThreshold, levels, type Threshold } from '../logs/log.ts'
import { contentTypes, exposed, expositionFor } from '../metrics/open-metrics.ts'
import type { NodeReport } from '../node-report.ts'
import {
  type AdminAnswer,
  type AdminRequest,
  type AdminRoute,
  failure,
  json,
} from './admin-listener.ts'

/** What the routes show, and the one thing they change. */
export interface AdminSubject {
  /** Who this is, for `target_info`. */
  readonly identity: Readonly<Record<string, string>>
  readonly startedAtMs: number
  read(): Promise<NodeReport>
  alerts(): readonly AlertState[]
  logLevel: Threshold
}

/** The paths of an admin listener. */
export function adminRoutes(subject: AdminSubject): ReadonlyMap<string, AdminRoute> {
  const get = (answer: AdminRoute['answer']): AdminRoute => ({ methods: ['GET'], answer })
  return new Map<string, AdminRoute>([
    ['/metrics', get((request) => metrics(subject, request))],
    ['/health', get(() => health(subject))],
    ['/live', { ...get(() => json(200, { status: 'ok' })), isOpen: true }],
    ['/ready', { ...get(() => ready(subject)), isOpen: true }],
    ['/alerts', get(() => json(200, { alerts: subject.alerts() }))],
    ['/log-level', { methods: ['GET', 'PUT'], answer: (request) => logLevel(subject, request) }],
  ])
}

async function metrics(subject: AdminSubject, { accept }: AdminRequest): Promise<AdminAnswer> {
  const exposition = expositionFor(accept)
  const { metrics: snapshot } = await subject.read()
  return {
    status: 200,
    contentType: contentTypes[exposition],
    body: exposed(snapshot, exposition, subject.identity),
  }
}

async function health(subject: AdminSubject): Promise<AdminAnswer> {
  const { health: node } = await subject.read()
  const { isReady, status, processes } = node
  return json(isReady ? 200 : 503, {
    status,
    ...subject.identity,
    uptimeSeconds: Math.floor((Date.now() - subject.startedAtMs) / 1000),
    processes,
    alerts: subject
      .alerts()
      .filter(({ state }) => state === 'firing')
      .map(({ name }) => name),
  })
}

async function ready(subject: AdminSubject): Promise<AdminAnswer> {
  const { status, isReady } = (await subject.read()).health
  return json(isReady ? 200 : 503, { status })
}

function logLevel(subject: AdminSubject, { method, body }: AdminRequest): AdminAnswer {
  if (method === 'PUT') {
    const level = levelIn(body)
    if (level === undefined) {
      return failure(400, `Send {"level": "…"} with one of ${[...levels, 'silent'].join(', ')}`)
    }
    subject.logLevel = level
  }
  return json(200, { level: subject.logLevel })
}

function levelIn(body: string): Threshold | undefined {
  try {
    const value: unknown = JSON.parse(body)
    const level = isJsonObject(value) ? value.level : undefined
    return typeof level === 'string' && isThreshold(level) ? level : undefined
  } catch {
    return undefined
  }
}
