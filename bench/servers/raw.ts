/**
 * The ceiling: Node's own HTTP server, the request parsed and the answer of tsmcp to the same call
 * written back, with no protocol in between. No library on `node:http` can be faster than this.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { implementation } from './echo.ts'
import { listen, serve } from './harness.ts'

interface Call {
  id: number
  params: { arguments: { text: string }; _meta?: object }
}

function answer({ id, params }: Call): object {
  const content = [{ type: 'text', text: params.arguments.text }]
  if (!params._meta) return { jsonrpc: '2.0', id, result: { content } }
  const _meta = { 'io.modelcontextprotocol/serverInfo': implementation }
  return { jsonrpc: '2.0', id, result: { content, resultType: 'complete', _meta } }
}

function handle(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const [first] = chunks
    const body = chunks.length === 1 && first ? first : Buffer.concat(chunks)
    const json = JSON.stringify(answer(JSON.parse(body.toString())))
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(json),
    })
    response.end(json)
  })
}

serve(await listen(handle))
