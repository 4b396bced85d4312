import type { TlsOptions } from 'node:tls'
import type { AuthInfo } from '../protocol/types.ts'
import type { Authenticator } from '../server/authenticator.ts'
import { AdminListener } from './admin/admin-listener.ts'
import { adminRoutes } from './admin/routes.ts'
import { AlertEvaluator, type AlertState } from './alerts/evaluator.ts'
import { alertRules } from './alerts/rules.ts'
import { AlertWebhook } from './alerts/webhook.ts'
import type { Log, Threshold } from './logs/log.ts'
import { type NodeReport, NodeReports } from './node-report.ts'
import type { MetricSettings } from './otel/environment.ts'
import type { OtelIdentity } from './otel/open-otel.ts'
import type { Member } from './report.ts'
import { within } from './within.ts'

export interface NodeTelemetryOptions {
  readonly log: Log
  readonly admin?: {
    readonly host: string
    readonly port: number
    readonly access?: { readonly authenticator: Authenticator; isAdmin(caller: AuthInfo): boolean }
    readonly tls?: TlsOptions
    /** Ends what the listener was opened with. */
    close?(): Promise<void>
  }
  /** Sends the metrics of all processes by OpenTelemetry. */
  readonly metricExport?: MetricSettings
  readonly webhook?: string
  /** The version of tsmcp. */
  readonly version: string
  /** The level of the log of all processes. */
  readonly setLogLevel: (level: Threshold) => void
}

/** Milliseconds between two looks at all processes: a process that dies takes what it had counted since with it. */
const lookMs = 2000

/** A collector that does not answer must not keep the process. */
const closeMs = 5000

/** What is known of all processes of a node: for the admin listener, the exporter of metrics, and alerts. */
export class NodeTelemetry {
  readonly #options: NodeTelemetryOptions
  readonly #reports = new NodeReports()
  readonly #alerts: AlertEvaluator
  readonly #startedAtMs = Date.now()
  readonly #webhook: AlertWebhook | undefined
  #identity: Readonly<Record<string, string>> = {}
  #admin: AdminListener | undefined = undefined
  #export: { close(): Promise<void> } | undefined = undefined
  #timer: NodeJS.Timeout | undefined = undefined
  #closing: Promise<void> | undefined = undefined

  private constructor(options: NodeTelemetryOptions) {
    this.#options = options
    this.#webhook =
      options.webhook === undefined
        ? undefined
        : new AlertWebhook({
            url: options.webhook,
            instance: `pid ${process.pid}`,
            onLost: ({ name }, { message }) =>
              options.log.write('error', `alert ${name} could not be delivered: ${message}`, {
                event: 'alert-lost',
                alert: name,
              }),
          })
    this.#alerts = new AlertEvaluator(alertRules, Date.now(), (alert) => this.#changed(alert))
  }

  /**
   * Begins to watch, and listens for administrators where that is asked for.
   *
   * @throws the error of `listen`; TypeError for a webhook or listener that must not be
   */
  static async open(options: NodeTelemetryOptions): Promise<NodeTelemetry> {
    const node = new NodeTelemetry(options)
    const { admin, log, setLogLevel } = options
    if (admin !== undefined) {
      const subject = {
        startedAtMs: node.#startedAtMs,
        get identity() {
          return node.#identity
        },
        get logLevel() {
          return log.level
        },
        set logLevel(level: Threshold) {
          setLogLevel(level)
          log.write('warn', `the level of the log is ${level} now`, { event: 'log-level', level })
        },
        read: () => node.read(),
        alerts: () => node.#alerts.states,
      }
      node.#admin = await AdminListener.open({
        ...admin,
        routes: adminRoutes(subject),
        onError: (error) => log.write('error', `the admin listener failed: ${error}`),
      })
    }
    const look = (): void =>
      void node.#look().catch((error: unknown) => {
        log.write('error', `the figures cannot be looked at: ${error}`)
      })
    node.#timer = setInterval(look, lookMs).unref()
    return node
  }

  /** Where administrators come in; undefined where nowhere. */
  get adminUrl(): string | undefined {
    return this.#admin?.url
  }

  /** A process is part of the node from now on. @returns a function that says that it has ended */
  join(member: Member): () => void {
    return this.#reports.join(member)
  }

  /** It is known what is served: from now on metrics are sent, where that is asked for. */
  async introduce(name: string, version: string): Promise<void> {
    this.#identity = { service_name: name, service_version: version }
    const { metricExport, version: ownVersion } = this.#options
    if (metricExport === undefined || this.#export !== undefined) return
    const { openMetricExport } = await import('./otel/open-otel.ts')
    const identity: OtelIdentity = {
      serviceName: name,
      serviceVersion: version,
      instanceId: String(process.pid),
      version: ownVersion,
    }
    this.#export = await openMetricExport(
      metricExport,
      identity,
      async () => (await this.read()).metrics,
    )
  }

  read(): Promise<NodeReport> {
    return this.#reports.read(Date.now())
  }

  /** Sends what is left, and stops. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer)
    if (this.#export !== undefined) await within(closeMs, this.#export.close())
    await this.#webhook?.close()
    await this.#admin?.close()
    await this.#options.admin?.close?.()
  }

  async #look(): Promise<void> {
    const { metrics } = await this.read()
    this.#alerts.look(metrics, Date.now())
  }

  #changed(alert: AlertState): void {
    const { name, state, value, threshold, summary } = alert
    const isFiring = state === 'firing'
    const what = isFiring ? `alert ${name}: ${summary}` : `alert ${name} is over`
    this.#options.log.write(isFiring ? 'warn' : 'info', what, {
      event: isFiring ? 'alert-firing' : 'alert-resolved',
      alert: name,
      value: value ?? undefined,
      threshold,
    })
    this.#webhook?.send(alert)
  }
}
