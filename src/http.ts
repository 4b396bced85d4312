export type { Authenticate, AuthRequest } from './server/http-gate.ts'
export { type HttpListener, type ServeHttpOptions, serveHttp } from './server/serve-http.ts'
