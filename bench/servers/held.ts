import { defineServer } from 'tsmcp'
import { description, echo, implementation, schema } from './echo.ts'

/** Served by `tsmcp serve --workers`, with very many clients that listen. */
const server = defineServer(implementation)
server.tool('echo', { description, input: schema }, echo)

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
