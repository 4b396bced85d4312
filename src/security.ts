export { firstOf } from './security/first-of.ts'
export type { DpopOptions } from './security/oauth/dpop.ts'
export type { KeyOptions } from './security/oauth/issuer-keys.ts'
export { type OAuth, oauth } from './security/oauth/oauth.ts'
export type {
  IntrospectionOptions,
  IssuerOptions,
  OAuthOptions,
} from './security/oauth/options.ts'
export type { Revocation } from './security/oauth/revocations.ts'
export {
  type CertificateName,
  type CertificateOptions,
  certificates,
} from './security/tls/certificates.ts'
export { loadTls, type TlsFiles } from './security/tls/load-tls.ts'
export { type FileWatch, watchFiles } from './security/tls/watch-files.ts'
export type { Authenticate, Authenticator, AuthRequest } from './server/authenticator.ts'
