export type { Authenticate, Authenticator, AuthRequest } from './server/authenticator.ts'
export type {
  Network,
  ObservedEngine,
  ObservedNotification,
  ObservedRequest,
  Observer,
} from './server/observer.ts'
export { type HttpListener, type ServeHttpOptions, serveHttp } from './server/serve-http.ts'
