import { checkElicitationSchema, shapeElicitationSchema } from '../protocol/elicitation-schema.ts'
import { checkElicitationUrl, isSafeUrl } from '../protocol/elicitation-url.ts'
import { McpError } from '../protocol/errors.ts'
import { isJsonObject } from '../protocol/json-rpc.ts'
import type { Revision } from '../protocol/revisions/index.ts'
import type {
  ClientCapabilities,
  CreateMessageParams,
  ElicitationSchema,
  JsonObject,
} from '../protocol/types.ts'
import type { Peer } from '../sessions/peer.ts'
import { warnOnce } from './warn-once.ts'

/** What a server may ask of its client: `elicitation/create`, `sampling/createMessage`, `roots/list`. */

/** What can be said of any question. */
export interface QuestionOptions {
  /** Names the input request in the stateless era; default: by order. */
  key?: string
  /**
   * Milliseconds after which a client of a session that has not answered is told to forget the question, and
   * CLIENT_TIMEOUT is thrown. Default: no time but the handler's own. Nobody waits in 2026-07-28, or as a task.
   */
  timeoutMs?: number
}

/** A form for the user to fill in. */
export interface ElicitForm extends QuestionOptions {
  /** Why the server asks, for the user to read. */
  message: string
  /** A flat object schema. Passwords, keys, tokens and payment credentials are refused: ask for those by `url`. */
  schema: ElicitationSchema
}
/** A page for the user to visit. */
export interface ElicitUrl extends QuestionOptions {
  message: string
  /**
   * Must hold neither credentials nor personal data, and open nothing by itself: the page finds out who its visitor
   * is, and checks that it is the one who was asked.
   */
  url: string
  /** Settles when the user is done there: then a client of 2025-11-25 is told so. */
  done?: Promise<unknown>
}
export interface SampleRequest extends CreateMessageParams, QuestionOptions {}

/**
 * Params of `elicitation/create` as the peer's revision has them.
 *
 * @throws TypeError for a schema that a form cannot or must not hold, or a URL that is none or not fit to be sent
 */
export function elicitationParams(
  revision: Revision,
  request: ElicitForm | ElicitUrl,
  newId: () => string,
): JsonObject {
  const { message } = request
  const rules = revision.elicitation
  if ('url' in request) {
    checkElicitationUrl(request.url)
    if (!isSafeUrl(request.url)) {
      const { host } = new URL(request.url)
      warnOnce('TSMCP_ELICITATION_URL', `Users are sent to http://${host}: use https`)
    }
    const params = { mode: 'url', message, url: request.url }
    return rules?.elicitationId ? { ...params, elicitationId: newId() } : params
  }
  checkElicitationSchema(request.schema)
  if (holdsUrl(message, request.schema)) {
    warnOnce(
      'TSMCP_ELICITATION_FORM',
      `A form must not make users follow a link, ask by \`url\` instead: ${message.slice(0, 100)}`,
    )
  }
  const requestedSchema = shapeElicitationSchema(revision, request.schema)
  return rules?.modeMember
    ? { mode: 'form', message, requestedSchema }
    : { message, requestedSchema }
}

/** Whether a form shows something that a client could make clickable. */
function holdsUrl(message: string, { properties }: ElicitationSchema): boolean {
  const shown = Object.values(properties).flatMap((each) => [
    each.title,
    each.description,
    each.default,
  ])
  return [message, ...shown].some((each) => /\bhttps?:\/\//i.test(String(each)))
}

/**
 * Asks, and gives up after so long, where a time is given.
 *
 * @param ask - sends the question; when its signal is aborted, takes it back
 * @throws McpError CLIENT_TIMEOUT, or what asking throws
 */
export async function askWithin<Answer>(
  timeoutMs: number | undefined,
  method: string,
  signal: AbortSignal,
  ask: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  if (timeoutMs === undefined) return ask(signal)
  const late = new AbortController()
  const timer = setTimeout(() => {
    const message = `The client did not answer ${method} within ${timeoutMs} ms`
    late.abort(new McpError('CLIENT_TIMEOUT', message))
  }, timeoutMs)
  try {
    return await ask(AbortSignal.any([signal, late.signal]))
  } finally {
    clearTimeout(timer)
  }
}

/** Checks that the peer can answer. @throws McpError MISSING_CLIENT_CAPABILITY that names what is missing */
export function requireCapability(peer: Peer, method: string, params: JsonObject): void {
  const missing = missingCapability(peer, method, params)
  if (missing === undefined) return
  throw new McpError(
    'MISSING_CLIENT_CAPABILITY',
    `The client does not support ${Object.keys(missing).join(', ')} as this request needs it`,
    { data: { requiredCapabilities: missing } },
  )
}

function missingCapability(
  { revision, clientCapabilities }: Peer,
  method: string,
  params: JsonObject,
): ClientCapabilities | undefined {
  switch (method) {
    case 'elicitation/create':
      return missingElicitation(revision, clientCapabilities, params.mode === 'url')
    case 'sampling/createMessage': {
      const { sampling } = clientCapabilities
      if (sampling === undefined) return { sampling: {} }
      // Before 2025-11-25 there was no capability to ask for.
      const needsContext = revision.sampling.tools && wantsContext(params)
      if (needsContext && sampling.context === undefined) return { sampling: { context: {} } }
      const usesTools = params.tools !== undefined || params.toolChoice !== undefined
      const hasTools = revision.sampling.tools && sampling.tools !== undefined
      return usesTools && !hasTools ? { sampling: { tools: {} } } : undefined
    }
    case 'roots/list':
      return clientCapabilities.roots === undefined ? { roots: {} } : undefined
    default:
      return undefined
  }
}

/**
 * The error that sends users to pages before a request can be answered (2025-11-25,
 * client/elicitation#url-elicitation-required-error), if the peer can be given it: another one in its stead if not.
 */
export function checkedUrlError({ revision, clientCapabilities }: Peer, error: McpError): McpError {
  if (error.code !== 'URL_ELICITATION_REQUIRED') return error
  const required = missingElicitation(revision, clientCapabilities, true)
  if (required !== undefined) {
    return new McpError('MISSING_CLIENT_CAPABILITY', undefined, {
      data: { requiredCapabilities: required },
      cause: error,
    })
  }
  const elicitations = isJsonObject(error.data) ? error.data.elicitations : undefined
  const isGood =
    revision.elicitation?.elicitationId === true &&
    Array.isArray(elicitations) &&
    elicitations.length > 0 &&
    elicitations.every(isUrlElicitation)
  if (isGood) return error
  const message =
    'URL_ELICITATION_REQUIRED is for 2025-11-25, with data.elicitations: each with mode, message, url and elicitationId'
  return new McpError('INTERNAL_ERROR', message, { cause: error })
}

function isUrlElicitation(value: unknown): boolean {
  if (!isJsonObject(value)) return false
  const { mode, message, url, elicitationId } = value
  if (mode !== 'url' || typeof message !== 'string' || typeof url !== 'string') return false
  if (typeof elicitationId !== 'string' || elicitationId === '') return false
  try {
    checkElicitationUrl(url)
    return true
  } catch {
    return false
  }
}

/** `elicitation: {}` means forms only. */
function missingElicitation(
  revision: Revision,
  { elicitation }: ClientCapabilities,
  isUrl: boolean,
): ClientCapabilities | undefined {
  const mode = isUrl ? 'url' : 'form'
  const required = { elicitation: { [mode]: {} } }
  if (revision.elicitation === undefined || elicitation === undefined) return required
  if (isUrl) return revision.elicitation.url && elicitation.url !== undefined ? undefined : required
  const namesNoMode = elicitation.form === undefined && elicitation.url === undefined
  return elicitation.form !== undefined || namesNoMode ? undefined : required
}

/** What is wrong with the shape of an answer, or undefined. */
export function answerProblem(method: string, answer: unknown): string | undefined {
  if (!isJsonObject(answer)) return 'must be an object'
  switch (method) {
    case 'elicitation/create':
      return ['accept', 'decline', 'cancel'].includes(answer.action as string)
        ? undefined
        : 'must have an action: accept, decline or cancel'
    case 'sampling/createMessage':
      return typeof answer.role === 'string' &&
        typeof answer.model === 'string' &&
        typeof answer.content === 'object' &&
        answer.content !== null
        ? undefined
        : 'must have role, content and model'
    case 'roots/list':
      return Array.isArray(answer.roots) ? undefined : 'must have roots, an array'
    default:
      return undefined
  }
}

/** The other servers' context is only to be had from clients that offer it. */
function wantsContext({ includeContext }: JsonObject): boolean {
  return includeContext === 'thisServer' || includeContext === 'allServers'
}
