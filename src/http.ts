export type { Authenticate, Authenticator, AuthRequest } from './server/authenticator.ts'
export { type HttpListener, type ServeHttpOptions, serveHttp } from './server/serve-http.ts'
