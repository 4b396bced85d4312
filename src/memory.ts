export { connectInMemory } from './server/in-memory.ts'
export type { ClientTransport } from './transports/client-transport.ts'
