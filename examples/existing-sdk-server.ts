/**
 * A server written with the official SDK, served unchanged: `mount` takes it as it is, of version 1
 * or 2, and clients of every revision can use it.
 *
 *     tsmcp serve examples/existing-sdk-server.ts
 */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { mount } from 'tsmcp'
import { z } from 'zod'

const existing = new McpServer({ name: 'dice', version: '3.2.1' })

existing.registerTool(
  'roll',
  {
    description: 'Rolls dice.',
    inputSchema: { dice: z.number().int().min(1).max(20), sides: z.number().int().min(2) },
    outputSchema: { rolls: z.array(z.number()), sum: z.number() },
  },
  ({ dice, sides }) => {
    const rolls = Array.from({ length: dice }, () => 1 + Math.floor(Math.random() * sides))
    const structuredContent = { rolls, sum: rolls.reduce((sum, roll) => sum + roll, 0) }
    return { content: [{ type: 'text', text: rolls.join(' + ') }], structuredContent }
  },
)

export default mount(existing)
