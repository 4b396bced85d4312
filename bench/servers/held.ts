import { defineServer } from 'tsmcp'
import { description, echo, implementation, schema } from './echo.ts'

/** Served by `tsmcp serve --workers`, with very many clients that listen. */
const server = defineServer(implementation)
const workMs = Number(process.env.BENCH_WORK_MS ?? 0)
server.tool('echo', { description, input: schema }, (given) => {
  // What a handler does with its processor, where the workload asks for some.
  const until = performance.now() + workMs
  while (performance.now() < until);
  return echo(given)
})

// One change of the list of tools, in every process that is told.
let withdraw: (() => void) | undefined
process.on('SIGUSR2', () => {
  if (withdraw === undefined) {
    const { remove } = server.tool('late', { description, input: schema }, echo)
    withdraw = remove
  } else {
    withdraw()
    withdraw = undefined
  }
})

export default server
