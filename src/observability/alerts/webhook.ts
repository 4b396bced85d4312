import { builtin } from '../../internal/builtin.ts'
import { isLoopback } from '../admin/admin-listener.ts'
import type { AlertState } from './evaluator.ts'

export interface WebhookOptions {
  readonly url: string
  /** Who sends, for the labels of the alerts. */
  readonly instance: string
  /** Told when an alert could not be delivered. */
  readonly onLost: (alert: AlertState, error: Error) => void
  /** Milliseconds before the first attempt is repeated; doubles each time. Default 1000. */
  readonly retryMs?: number
}

/** Alerts that wait to be delivered; with more, the oldest is lost. */
const maxWaiting = 100
const maxAttempts = 6
const timeoutMs = 5000

/**
 * Sends alerts to a URL, in the form of Prometheus' Alertmanager, so that whatever takes its webhooks takes ours. One at a
 * time and in order; what cannot be delivered is tried again for a while.
 *
 * The operator names the host, which may have any address; nothing else leads anywhere: redirects are not followed, the
 * answer is not read, and `http` is for this machine alone.
 */
export class AlertWebhook {
  readonly #options: WebhookOptions
  readonly #url: URL
  readonly #waiting: AlertState[] = []
  readonly #closing = new AbortController()
  #sending: Promise<void> | undefined = undefined

  /** @throws TypeError for a URL that alerts must not be sent to */
  constructor(options: WebhookOptions) {
    this.#options = options
    this.#url = webhookUrl(options.url)
  }

  send(alert: AlertState): void {
    if (this.#closing.signal.aborted) return
    this.#waiting.push(alert)
    if (this.#waiting.length > maxWaiting) {
      const lost = this.#waiting.shift()
      if (lost !== undefined) this.#options.onLost(lost, new Error('too many alerts wait'))
    }
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined
    })
  }

  /** Gives up what waits. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#sending
  }

  async #sendAll(): Promise<void> {
    for (;;) {
      const alert = this.#waiting.shift()
      if (alert === undefined || this.#closing.signal.aborted) return
      await this.#deliver(alert)
    }
  }

  async #deliver(alert: AlertState): Promise<void> {
    let delayMs = this.#options.retryMs ?? 1000
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#post(JSON.stringify(alertmanagerMessage(alert, this.#options.instance)))
        return
      } catch (error) {
        if (this.#closing.signal.aborted) return
        if (attempt === maxAttempts) {
          this.#options.onLost(alert, error instanceof Error ? error : new Error(String(error)))
          return
        }
      }
      await this.#pause(delayMs)
      delayMs *= 2
    }
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delayMs)
      this.#closing.signal.addEventListener(
        'abort',
        () => {
          clearTimeout(timer)
          resolve()
        },
        { once: true },
      )
    })
  }

  #post(body: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const stack = this.#url.protocol === 'https:' ? builtin.https : builtin.http
    const sending = stack.request(this.#url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(timeoutMs)]),
    })
    sending.once('error', reject)
    sending.once('response', (response) => {
      const status = response.statusCode ?? 0
      if (status >= 200 && status < 300) resolve()
      else reject(new Error(`the webhook answered ${status}`))
      response.destroy()
    })
    sending.end(body)
    return promise
  }
}

/** @throws TypeError for a URL that alerts must not be sent to */
export function webhookUrl(text: string): URL {
  if (!URL.canParse(text)) throw new TypeError('The URL of the webhook is none')
  const url = new URL(text)
  const isLocal = isLoopback(url.hostname)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLocal)) {
    throw new TypeError('The webhook must be https, or http on this machine')
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('The URL of the webhook must not hold a password')
  }
  return url
}

/** As Alertmanager sends it (webhook_config, version 4). */
function alertmanagerMessage(alert: AlertState, instance: string): object {
  const { name, severity, state, value, threshold, unit, since, summary, description } = alert
  const status = state === 'firing' ? 'firing' : 'resolved'
  const labels = { alertname: name, severity, instance }
  const annotations = {
    summary,
    description,
    value: String(value),
    threshold: `${threshold} ${unit}`,
  }
  return {
    version: '4',
    groupKey: `${name}:${instance}`,
    truncatedAlerts: 0,
    status,
    receiver: 'tsmcp',
    groupLabels: { alertname: name },
    commonLabels: labels,
    commonAnnotations: annotations,
    externalURL: '',
    alerts: [
      status === 'firing'
        ? { status, labels, annotations, startsAt: since, endsAt: '0001-01-01T00:00:00Z' }
        : { status, labels, annotations, startsAt: since, endsAt: since },
    ],
  }
}
