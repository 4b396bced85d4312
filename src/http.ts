export type { Authenticate, AuthRequest } from './server/http-endpoint.ts'
export { type HttpListener, type ServeHttpOptions, serveHttp } from './server/serve-http.ts'
