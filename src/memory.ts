export { type ClientTransport, connectInMemory } from './server/in-memory.ts'
