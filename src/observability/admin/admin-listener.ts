import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TlsOptions } from 'node:tls'
import { builtin } from '../../internal/builtin.ts'
import { McpError } from '../../protocol/errors.ts'
import type { AuthInfo } from '../../protocol/types.ts'
import type { Authenticator } from '../../server/authenticator.ts'
import { HttpGate } from '../../server/http-gate.ts'
import { listenAt } from '../../server/listen-at.ts'
import { clientCertificate } from '../../transports/client-certificate.ts'
import { loopbackHosts } from '../../transports/http/origin-guard.ts'

/** What an admin listener answers at a path. */
export interface AdminRoute {
  /** Everybody may ask: load balancers have no credentials. */
  readonly isOpen?: boolean
  readonly methods: readonly string[]
  answer(request: AdminRequest): AdminAnswer | Promise<AdminAnswer>
}

export interface AdminRequest {
  readonly method: string
  readonly accept: string | undefined
  readonly body: string
}

export interface AdminAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

export interface AdminOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Who may come in from elsewhere; without it, only this machine may. */
  readonly access?: { readonly authenticator: Authenticator; isAdmin(caller: AuthInfo): boolean }
  readonly tls?: TlsOptions
  readonly routes: ReadonlyMap<string, AdminRoute>
  readonly onError: (error: unknown) => void
}

const maxBodyBytes = 4096
const maxConnections = 256
const timeoutMs = 10_000

/** A listener for those who run the server, apart from that of the clients. */
export class AdminListener {
  readonly #listener: Server
  readonly #gate: HttpGate
  readonly #options: AdminOptions

  private constructor(options: AdminOptions) {
    this.#options = options
    const { access, onError, host } = options
    const allowedHosts = isLoopback(host) ? [...loopbackHosts, host] : ['*']
    this.#gate = new HttpGate({ allowedHosts }, onError)
    const limits = {
      requestTimeout: timeoutMs,
      headersTimeout: timeoutMs,
      insecureHTTPParser: false,
    }
    const take = (request: IncomingMessage, response: ServerResponse): void => {
      void this.#take(request, response).catch((error: unknown) => {
        onError(error)
        send(response, failure(500, 'Internal error'), false)
      })
    }
    this.#listener =
      options.tls === undefined
        ? builtin.http.createServer(limits, take)
        : builtin.https.createServer({ ...limits, minVersion: 'TLSv1.3', ...options.tls }, take)
    this.#listener.maxConnections = maxConnections
    if (access === undefined && !isLoopback(host)) {
      throw new TypeError('An admin listener that other machines reach needs authentication')
    }
  }

  /** @throws the error of `listen`; TypeError for one that other machines reach without authentication */
  static async open(options: AdminOptions): Promise<AdminListener> {
    const admin = new AdminListener(options)
    await listenAt(admin.#listener, { host: options.host, port: options.port })
    return admin
  }

  get url(): string {
    const { host, tls } = this.#options
    const { port } = this.#listener.address() as AddressInfo
    return `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`
  }

  /** Idempotent. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#listener.close(resolve))
    this.#listener.closeAllConnections()
    await closed
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '/'] = (request.url ?? '/').split('?')
    const route = this.#options.routes.get(path)
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '')
    const isHead = request.method === 'HEAD'
    const refusal = await this.#refusalOf(request, route?.isOpen === true)
    if (refusal !== undefined) {
      send(response, refusal, isHead)
      return
    }
    if (route === undefined) {
      const paths = [...this.#options.routes.keys()].join(', ')
      send(response, failure(404, `Not found: there are ${paths}`), isHead)
      return
    }
    if (!route.methods.includes(method)) {
      response.setHeader('allow', route.methods.join(', '))
      send(response, failure(405, 'Method not allowed'), isHead)
      return
    }
    const body = await readBody(request)
    if (body === undefined) send(response, failure(413, 'Request body too large'), isHead)
    else
      send(response, await route.answer({ method, accept: request.headers.accept, body }), isHead)
  }

  /** Why a request is not answered; undefined when it is. */
  async #refusalOf(request: IncomingMessage, isOpen: boolean): Promise<AdminAnswer | undefined> {
    const { headers, socket } = request
    const asked = {
      method: request.method ?? '',
      target: request.url ?? '',
      remoteAddress: socket.remoteAddress,
      certificate: clientCertificate(socket),
      getHeader: (name: string) => headers[name] as string | undefined,
    }
    const refused = new Promise<McpError | undefined>((resolve) => {
      this.#gate.admit(
        asked,
        () => resolve(undefined),
        (error) => resolve(error instanceof McpError ? error : new McpError('FORBIDDEN')),
      )
    })
    const error = await refused
    if (error !== undefined) return failure(error.httpStatus(), error.message)
    const { access } = this.#options
    if (isOpen || access === undefined) return undefined
    try {
      const caller = await access.authenticator.authenticate(asked)
      if (caller === undefined) return failure(401, 'Authentication required')
      return access.isAdmin(caller) ? undefined : failure(403, 'This needs the role admin')
    } catch (thrown) {
      if (thrown instanceof McpError) return failure(thrown.httpStatus(), thrown.message)
      throw thrown
    }
  }
}

/** Whether an address is one that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return loopbackHosts.includes(host) || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)
}

export function json(status: number, value: unknown): AdminAnswer {
  return {
    status,
    contentType: 'application/json',
    body: `${JSON.stringify(value, undefined, 2)}\n`,
  }
}

export function failure(status: number, error: string): AdminAnswer {
  return json(status, { error })
}

function send(
  response: ServerResponse,
  { status, contentType, body }: AdminAnswer,
  isHead: boolean,
): void {
  if (response.headersSent) return
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
  })
  response.end(isHead ? undefined : body)
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBodyBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
