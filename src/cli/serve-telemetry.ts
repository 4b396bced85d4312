import { resolve } from 'node:path'
import type { Servable } from '../index.ts'
import type { Log, Threshold } from '../observability/logs/log.ts'
import { NodeTelemetry, type NodeTelemetryOptions } from '../observability/node-telemetry.ts'
import { type OtelSettings, readOtelSettings } from '../observability/otel/environment.ts'
import type { OtelIdentity } from '../observability/otel/open-otel.ts'
import { ProcessTelemetry } from '../observability/process-telemetry.ts'
import type { Tracing } from '../observability/tracing.ts'
import { reportErrorsTo } from '../server/report-error.ts'
import { service } from '../server/service.ts'
import { CliError, messageOf } from './cli-error.ts'
import { readAddress } from './listen.ts'
import { openServeSecurity } from './serve-security.ts'
import type { ServeValues } from './settings.ts'
import { version } from './version.ts'

/** Where settings beside those of the command line come from. */
export interface Place {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
}

const noOtel: OtelSettings = { traces: undefined, metrics: undefined }
const packages = [
  'api',
  'context-async-hooks',
  'core',
  'exporter-metrics-otlp-proto',
  'exporter-trace-otlp-proto',
  'resources',
  'sdk-metrics',
  'sdk-trace',
]

/** What a serving process tells of itself: failures go to its log from now on. */
export async function openProcessTelemetry(
  server: Servable,
  values: ServeValues,
  log: Log,
  { env, cwd }: Place,
): Promise<ProcessTelemetry> {
  const { traces } = otelSettings(values, env)
  let tracing: Tracing | undefined
  if (traces !== undefined) {
    tracing = await installed(async () => {
      const { openTracing } = await import('../observability/otel/open-otel.ts')
      return openTracing(traces, identityOf(server))
    })
  }
  const telemetry = new ProcessTelemetry({
    log,
    tracing,
    isMeasured: values.admin !== '' || values.otel || values.alertWebhook !== '',
    folders: values.data === '' ? [] : [resolve(cwd, values.data)],
  })
  reportErrorsTo((error, request) => telemetry.failed(error, request))
  return telemetry
}

/**
 * What is known of all processes of a node; undefined where nobody wants to know.
 *
 * @param setLogLevel - sets that of all processes
 * @throws CliError for settings that cannot be
 */
export async function openNodeTelemetry(
  values: ServeValues,
  log: Log,
  place: Place,
  setLogLevel: (level: Threshold) => void,
): Promise<NodeTelemetry | undefined> {
  const { admin, alertWebhook } = values
  const { metrics } = otelSettings(values, place.env)
  if (admin === '' && alertWebhook === '' && metrics === undefined) return undefined
  if (metrics !== undefined) await installed(() => import('../observability/otel/open-otel.ts'))
  const listener = admin === '' ? undefined : await adminOptions(values, place)
  try {
    return await NodeTelemetry.open({
      log,
      version,
      setLogLevel,
      ...(listener && { admin: listener }),
      ...(metrics && { metricExport: metrics }),
      ...(alertWebhook !== '' && { webhook: alertWebhook }),
    })
  } catch (error) {
    await listener?.close?.()
    const isOfWebhook = error instanceof TypeError && /webhook/i.test(error.message)
    throw new CliError(
      `${isOfWebhook ? '--alert-webhook' : `--admin ${admin}`}: ${messageOf(error)}`,
      { cause: error },
    )
  }
}

/** Whoever is not on this machine is looked at as clients are, and must be an administrator. */
async function adminOptions(
  values: ServeValues,
  { env, cwd }: Place,
): Promise<NonNullable<NodeTelemetryOptions['admin']>> {
  const { host, port } = readAddress(values.admin)
  const { isLoopback } = await import('../observability/admin/admin-listener.ts')
  if (isLoopback(host)) return { host, port }
  // The log of the audit and the file of quotas have one writer, which is not this.
  const own = { ...values, audit: '', quotas: '' }
  const security = await openServeSecurity(own, [], env, cwd)
  const { authenticate, isAdmin, tls } = security
  if (authenticate === undefined) {
    await security.close()
    throw new CliError(
      `--admin ${values.admin}: other machines can reach it, so it needs --api-keys, --auth-issuer or --tls-ca: or take 127.0.0.1`,
    )
  }
  const access = { authenticator: authenticate, isAdmin }
  const close = (): Promise<void> => security.close()
  return { host, port, access, ...(tls && { tls }), close }
}

function otelSettings({ otel }: ServeValues, env: Place['env']): OtelSettings {
  if (!otel) return noOtel
  try {
    return readOtelSettings(env)
  } catch (error) {
    throw new CliError(messageOf(error), { cause: error })
  }
}

function identityOf(server: Servable): OtelIdentity {
  const { name, version: serviceVersion } = server[service].info
  return { serviceName: name, serviceVersion, instanceId: String(process.pid), version }
}

/** @throws CliError that says what to install */
async function installed<Value>(load: () => Promise<Value>): Promise<Value> {
  try {
    return await load()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'ERR_MODULE_NOT_FOUND') throw error
    const names = packages.map((name) => `@opentelemetry/${name}`).join(' ')
    throw new CliError(`--otel needs packages that are optional: npm install ${names}`, {
      cause: error,
    })
  }
}
