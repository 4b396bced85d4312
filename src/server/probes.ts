import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Engine } from './engine.ts'
import { engineHealth } from './health.ts'

/**
 * Answers what is no MCP: `/live`, the process runs; `/ready`, it takes requests; `/health`, both, part by part and with figures;
 * anything else is not found.
 */
export function answerProbe(
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  engine: Engine,
  startedAtMs: number,
): void {
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  const { status, components } = engineHealth(engine)
  const isReady = status === 'ok'
  const { name, version } = engine.service.info
  if (isRead && path === '/live') sendJson(response, 200, { status: 'ok' })
  else if (isRead && path === '/ready') sendJson(response, isReady ? 200 : 503, { status })
  else if (isRead && path === '/health') {
    sendJson(response, isReady ? 200 : 503, {
      status,
      server: { name, version },
      uptimeSeconds: Math.floor((Date.now() - startedAtMs) / 1000),
      sessions: engine.sessions.size,
      requestsRunning: engine.running,
      requestsWaiting: engine.admission.metrics.depth,
      connections: engine.connections.size,
      components,
    })
  } else {
    request.resume()
    sendJson(response, 404, { error: 'Not found: the MCP endpoint is at /mcp' })
  }
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  const json = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(json),
    'cache-control': 'no-store',
  })
  response.end(json)
}
