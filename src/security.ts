export type { AuditEvent, AuditOutcome, AuditRecord } from './security/audit/audit-event.ts'
export { AuditLog, type AuditLogOptions } from './security/audit/audit-log.ts'
export type { AuditRecorder } from './security/audit/audit-recorder.ts'
export {
  type AuditBatch,
  type AuditReceipt,
  ForwardedAudit,
  type ForwardedAuditOptions,
} from './security/audit/forwarded-audit.ts'
export { type AuditQuery, csvHead, csvLine, queryAudit } from './security/audit/query.ts'
export type { RedactionOptions } from './security/audit/redact.ts'
export { type AuditSigner, auditSigner, auditSignerOf } from './security/audit/signing-key.ts'
export { type AuditReport, verifyAudit } from './security/audit/verify.ts'
export { firstOf } from './security/first-of.ts'
export type { ApiKeyRecord, NewApiKey } from './security/keys/api-key.ts'
export {
  ApiKeys,
  type ApiKeysOptions,
  addApiKey,
  revokeApiKey,
} from './security/keys/api-keys.ts'
export { isReadableByOthers, readKeyFile } from './security/keys/key-file.ts'
export { type QuotaStore, quotaFile } from './security/limits/quota-file.ts'
export type { DpopOptions } from './security/oauth/dpop.ts'
export type { KeyOptions } from './security/oauth/issuer-keys.ts'
export { type OAuth, oauth } from './security/oauth/oauth.ts'
export type {
  IntrospectionOptions,
  IssuerOptions,
  OAuthOptions,
} from './security/oauth/options.ts'
export type { Revocation } from './security/oauth/revocations.ts'
export { openSecurity, type Security, type SecurityOptions } from './security/open-security.ts'
export type { Access } from './security/policy/access.ts'
export { decide } from './security/policy/decide.ts'
export type { Decision } from './security/policy/decision-cache.ts'
export type {
  LimitsDocument,
  PolicyDocument,
} from './security/policy/policy-document.ts'
export { loadPolicy, type Policy } from './security/policy/policy-file.ts'
export { policySchema } from './security/policy/policy-schema.ts'
export { PolicyError } from './security/policy/read-policy.ts'
export type { Authorizer } from './security/policy/role-policy.ts'
export {
  type Bind,
  type ProductionFacts,
  productionRefusals,
} from './security/profile/production.ts'
export { isWeakSecret, readSecret, type Secret } from './security/profile/secrets.ts'
export {
  type CertificateName,
  type CertificateOptions,
  certificates,
} from './security/tls/certificates.ts'
export { loadTls, type TlsFiles } from './security/tls/load-tls.ts'
export { type FileWatch, watchFiles } from './security/tls/watch-files.ts'
export type { Authenticate, Authenticator, AuthRequest } from './server/authenticator.ts'
export type { RequestGuard } from './server/request-guard.ts'
