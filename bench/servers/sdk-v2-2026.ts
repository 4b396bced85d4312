/** Official SDK v2 for 2026-07-28, as its guide shows it on `node:http`. */
import type { RequestListener } from 'node:http'
import { type NodeIncomingMessageLike, toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler } from '@modelcontextprotocol/server'
import { listen, serve } from './harness.ts'
import { createServer } from './sdk-v2-server.ts'

const handle = toNodeHandler(createMcpHandler(createServer))

// The SDK's type for Node's request does not allow what Node's own type says.
const listener: RequestListener = (request, response) =>
  void handle(request as NodeIncomingMessageLike, response)

serve(await listen(listener))
