export { type ServeStdioOptions, type StdioConnection, serveStdio } from './server/serve-stdio.ts'
