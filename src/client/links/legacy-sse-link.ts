import type { ClientRequest } from 'node:http'
import { McpError } from '../../protocol/errors.ts'
import type { LinkListener } from '../link.ts'
import type { UrlTarget } from '../target.ts'
import { ChannelLink } from './channel-link.ts'
import { HttpConnections } from './http-exchange.ts'
import type { LinkOptions } from './link-options.ts'

/**
 * HTTP with SSE (2024-11-05, transports): one stream for all that the server says, and a URL for what we say. In effect
 * one connection that carries messages both ways.
 */
export const LegacySseLink = {
  /** Opens the stream and waits for the URL. @throws McpError CONNECTION_FAILED */
  async open(
    url: URL,
    target: UrlTarget,
    listener: LinkListener,
    { maxConnections, maxMessageBytes, timeoutMs }: LinkOptions,
  ): Promise<ChannelLink> {
    const connections = new HttpConnections(url, target, maxConnections, maxMessageBytes)
    let stream: ClientRequest | undefined
    const link = new ChannelLink(listener, maxMessageBytes, async () => {
      stream?.destroy()
      connections.close()
    })
    const { promise, resolve, reject } = Promise.withResolvers<URL>()
    const credentials = (await target.auth?.headers('GET', url)) ?? {}
    const refuse = (error: McpError): void => {
      reject(error)
      link.closed()
    }
    stream = connections.request(
      'GET',
      url,
      { ...credentials, accept: 'text/event-stream' },
      undefined,
      (response) => {
        const { statusCode: status = 0, headers } = response
        if (status !== 200 || headers['content-type']?.startsWith('text/event-stream') !== true) {
          response.resume()
          const cause = Object.assign(new Error(`HTTP ${status}`), { status })
          refuse(
            new McpError('CONNECTION_FAILED', `The server answered with HTTP ${status}`, { cause }),
          )
          return
        }
        connections.events(
          response,
          ({ event, data }) => {
            if (event !== 'endpoint') {
              link.message(data)
              return
            }
            const endpoint = URL.canParse(data, url.href) ? new URL(data, url) : undefined
            // What we say, credentials included, goes to nobody else.
            if (endpoint?.origin === url.origin) resolve(endpoint)
            else
              refuse(
                new McpError('CONNECTION_FAILED', 'The server named an endpoint of another origin'),
              )
          },
          () => {},
          () => refuse(new McpError('CONNECTION_LOST')),
        )
      },
      refuse,
      true,
    )
    const timer = setTimeout(
      () => refuse(new McpError('SERVER_TIMEOUT', 'The server named no endpoint in time')),
      Number.isFinite(timeoutMs) ? timeoutMs : 60_000,
    )
    try {
      const endpoint = await promise
      link.channel = {
        send: (message) => post(String(message), endpoint),
        close: () => stream?.destroy(),
      }
    } catch (error) {
      stream.destroy()
      connections.close()
      throw error
    } finally {
      clearTimeout(timer)
    }
    return link

    function post(text: string, endpoint: URL): void {
      const send = async (): Promise<void> => {
        const headers = {
          ...(await target.auth?.headers('POST', endpoint)),
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(text),
        }
        connections.request(
          'POST',
          endpoint,
          headers,
          text,
          (response) => {
            response.resume()
            // What the server does not take is lost, and with it the order of what was said.
            if ((response.statusCode ?? 500) >= 300) link.closed()
          },
          () => link.closed(),
        )
      }
      send().catch(() => link.closed())
    }
  },
}
