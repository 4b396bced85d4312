import { type Context, record } from '../workloads/context.ts'
import { seedWorkloads } from './list.ts'
import { sizeName } from './workload.ts'

/** One round of the seed's rows, each at each of its sizes. */
export async function runSeedWorkloads(context: Context): Promise<void> {
  for (const workload of seedWorkloads) {
    for (const size of workload.sizes) {
      const target = { name: sizeName(size) }
      if (!context.includes(workload.name, target)) continue
      await record(context, { workload: workload.name, target }, () =>
        workload.measure(context, size),
      )
    }
  }
}
