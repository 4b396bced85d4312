/**
 * The vocabulary of the Model Context Protocol, in the widest form that any revision knows.
 * What a given revision leaves out is said by its table in `revisions/`.
 */

/** A JSON object of unknown content. */
export type JsonObject = { [key: string]: unknown }

/** The id of a JSON-RPC request: a string or an integer, never null. */
export type RequestId = string | number
/** The token that ties progress notifications to a request. */
export type ProgressToken = string | number
/** Severity of a log message, after RFC 5424, from least to most severe. */
export type LogLevel =
  | 'debug'
  | 'info'
  | 'notice'
  | 'warning'
  | 'error'
  | 'critical'
  | 'alert'
  | 'emergency'

/** The log levels in rising severity. */
export const logLevels: readonly LogLevel[] = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
]

export type Role = 'user' | 'assistant'

export interface Icon {
  src: string
  mimeType?: string
  sizes?: string[]
  theme?: 'light' | 'dark'
}

/** Name and version of a program: `serverInfo` and `clientInfo`. */
export interface Implementation {
  name: string
  version: string
  title?: string
  description?: string
  websiteUrl?: string
  icons?: Icon[]
}

export interface ClientCapabilities {
  experimental?: { [key: string]: JsonObject }
  roots?: { listChanged?: boolean }
  sampling?: { context?: JsonObject; tools?: JsonObject }
  elicitation?: { form?: JsonObject; url?: JsonObject }
  extensions?: { [key: string]: JsonObject }
  [key: string]: unknown
}

export interface ServerCapabilities {
  experimental?: { [key: string]: JsonObject }
  logging?: JsonObject
  completions?: JsonObject
  prompts?: { listChanged?: boolean }
  resources?: { subscribe?: boolean; listChanged?: boolean }
  tools?: { listChanged?: boolean }
  extensions?: { [key: string]: JsonObject }
  [key: string]: unknown
}

/** Hints for the client about a piece of content or a resource. */
export interface Annotations {
  audience?: Role[]
  /** 0 (least) to 1 (most important). */
  priority?: number
  /** An ISO 8601 time. */
  lastModified?: string
}

export interface TextContent {
  type: 'text'
  text: string
  annotations?: Annotations
  _meta?: JsonObject
}
export interface ImageContent {
  type: 'image'
  /** Base64. */
  data: string
  mimeType: string
  annotations?: Annotations
  _meta?: JsonObject
}
export interface AudioContent {
  type: 'audio'
  /** Base64. */
  data: string
  mimeType: string
  annotations?: Annotations
  _meta?: JsonObject
}
export interface TextResourceContents {
  uri: string
  mimeType?: string
  text: string
  _meta?: JsonObject
}
export interface BlobResourceContents {
  uri: string
  mimeType?: string
  /** Base64. */
  blob: string
  _meta?: JsonObject
}
export type ResourceContents = TextResourceContents | BlobResourceContents

export interface EmbeddedResource {
  type: 'resource'
  resource: ResourceContents
  annotations?: Annotations
  _meta?: JsonObject
}

export interface Resource {
  uri: string
  name: string
  title?: string
  description?: string
  mimeType?: string
  icons?: Icon[]
  annotations?: Annotations
  /** Bytes of the raw content, before any base64. */
  size?: number
  _meta?: JsonObject
}
export interface ResourceLink extends Resource {
  type: 'resource_link'
}
export interface ResourceTemplate {
  /** An RFC 6570 template. */
  uriTemplate: string
  name: string
  title?: string
  description?: string
  mimeType?: string
  icons?: Icon[]
  annotations?: Annotations
  _meta?: JsonObject
}

export type ContentBlock =
  | TextContent
  | ImageContent
  | AudioContent
  | ResourceLink
  | EmbeddedResource

export interface ToolAnnotations {
  title?: string
  readOnlyHint?: boolean
  destructiveHint?: boolean
  idempotentHint?: boolean
  openWorldHint?: boolean
}

/** A JSON Schema document: 2020-12 unless `$schema` says otherwise. */
export type JsonSchema = JsonObject

export interface Tool {
  name: string
  title?: string
  description?: string
  inputSchema: JsonSchema
  outputSchema?: JsonSchema
  annotations?: ToolAnnotations
  icons?: Icon[]
  /** Whether calls may run as tasks (2025-11-25). */
  execution?: { taskSupport?: 'forbidden' | 'optional' | 'required' }
  _meta?: JsonObject
}

export interface CallToolResult {
  content: ContentBlock[]
  structuredContent?: unknown
  isError?: boolean
  _meta?: JsonObject
}

export interface PromptArgument {
  name: string
  title?: string
  description?: string
  required?: boolean
}
export interface Prompt {
  name: string
  title?: string
  description?: string
  arguments?: PromptArgument[]
  icons?: Icon[]
  _meta?: JsonObject
}
export interface PromptMessage {
  role: Role
  content: ContentBlock
}
export interface GetPromptResult {
  description?: string
  messages: PromptMessage[]
  _meta?: JsonObject
}

export interface ToolUseContent {
  type: 'tool_use'
  id: string
  name: string
  input: JsonObject
  _meta?: JsonObject
}
export interface ToolResultContent {
  type: 'tool_result'
  toolUseId: string
  content: ContentBlock[]
  structuredContent?: unknown
  isError?: boolean
  _meta?: JsonObject
}
export type SamplingContent =
  | TextContent
  | ImageContent
  | AudioContent
  | ToolUseContent
  | ToolResultContent

export interface SamplingMessage {
  role: Role
  content: SamplingContent | SamplingContent[]
  _meta?: JsonObject
}
export interface ModelPreferences {
  hints?: { name?: string }[]
  costPriority?: number
  speedPriority?: number
  intelligencePriority?: number
}
/** Params of `sampling/createMessage`. */
export interface CreateMessageParams {
  messages: SamplingMessage[]
  maxTokens: number
  modelPreferences?: ModelPreferences
  systemPrompt?: string
  /** @deprecated by the specification since 2026-07-28: leave it out, or say "none" */
  includeContext?: 'none' | 'thisServer' | 'allServers'
  temperature?: number
  stopSequences?: string[]
  metadata?: JsonObject
  tools?: Tool[]
  toolChoice?: { mode?: 'auto' | 'required' | 'none' }
}
export interface CreateMessageResult extends SamplingMessage {
  model: string
  stopReason?: string
}

/** A flat form: an object schema whose properties are strings, numbers, booleans or choices. */
export interface ElicitationSchema {
  $schema?: string
  type: 'object'
  properties: { readonly [key: string]: { readonly [key: string]: unknown } }
  required?: readonly string[]
}
export type ElicitedValue = string | number | boolean | string[]
export interface ElicitResult {
  action: 'accept' | 'decline' | 'cancel'
  content?: { [key: string]: ElicitedValue }
}

export interface Root {
  /** A `file://` URI. */
  uri: string
  name?: string
  _meta?: JsonObject
}

/** What `completion/complete` answers. */
export interface Completion {
  values: string[]
  total?: number
  hasMore?: boolean
}

/** A certificate that a client has shown over TLS, proven to own, and that its issuer vouches for. */
export interface ClientCertificate {
  /** The distinguished name, as in RFC 4514: `CN=alice,O=Example`. */
  readonly subject: string
  readonly commonName: string | undefined
  /** The alternative names with their kind before a colon: `DNS:a.example.com`, `URI:spiffe://example/alice`. */
  readonly altNames: readonly string[]
  /** SHA-256 of the certificate in base64url: `x5t#S256` of RFC 8705. */
  readonly thumbprint: string
  /** Seconds since 1970 after which it is void. */
  readonly expiresAt: number
}

/** What the authentication of a transport found out about the caller. The credentials themselves are never in it. */
export interface AuthInfo {
  /** Who it is. With {@link issuer} and {@link clientId} the principal that sessions, tasks and state are bound to. */
  subject: string
  /** Who vouches for the subject: the issuer of a token. Subjects are unique only within it. */
  issuer?: string
  /** The program that acts for the subject (OAuth's `client_id`). */
  clientId?: string
  /** What the caller may do. Absent: nothing that asks for a scope. */
  scopes?: readonly string[]
  /** Seconds since 1970 after which the credentials are void. */
  expiresAt?: number
  /** Anything more that the authentication hook wants handlers to see. */
  claims?: Readonly<JsonObject>
  /** The certificate that the caller has identified itself or its token with. */
  certificate?: ClientCertificate
}
