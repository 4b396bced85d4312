export { type ServeStdioOptions, type StdioConnection, serveStdio } from './server/serve-stdio.ts'
export type { ClientTransport } from './transports/client-transport.ts'
export { connectStdio, type StdioChildOptions } from './transports/stdio/child-process.ts'
