/** A gateway that prints the process of its upstream and that of what the upstream has started, to be killed. */
import { Client } from '@modelcontextprotocol/client'
import { Gateway } from '../../src/gateway/gateway.ts'
import { connectInMemory } from '../../src/memory.ts'
import { callText, configOf, fixture } from './support.ts'

const gateway = new Gateway(configOf({ up: fixture() }), { log: () => {} })
const client = new Client({ name: 'test', version: '1' })
await client.connect(connectInMemory(gateway) as never)
const pids = [await callText(client, 'up__pid'), await callText(client, 'up__child')]
process.stdout.write(`${pids.join(' ')}\n`)
setInterval(() => {}, 1000)
