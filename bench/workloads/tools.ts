import { mcpTargets } from '../targets.ts'
import { windowOf } from './calls.ts'
import { type Context, record, sampleOf, withServer } from './context.ts'

export const manyTools = 500

/** The name of the workload that uses one method of a server with so many tools. */
export const toolsWorkload = (method: 'call' | 'list', toolCount: number) =>
  `${method}-${toolCount}-tools`

/** Calls and lists with one tool and with many, next to each other in time. */
export async function runToolWorkloads(context: Context): Promise<void> {
  for (const target of mcpTargets) {
    for (const method of ['call', 'list'] as const) {
      for (const toolCount of [1, manyTools]) {
        const workload = toolsWorkload(method, toolCount)
        if (!context.includes(workload, target)) continue
        await record(context, { workload, target }, () =>
          withServer(target, { toolCount }, async (server) =>
            sampleOf(await windowOf(context, server, { method, toolCount }), 'saturating'),
          ),
        )
      }
    }
  }
}
