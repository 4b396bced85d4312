import { revision20251125 } from './2025-11-25.ts'
import type { Revision } from './revision.ts'

const { members } = revision20251125

/** Takes the session away: every request is whole in itself, and what the server needs it asks for in its result. */
export const revision20260728: Revision = {
  ...revision20251125,
  name: '2026-07-28',
  era: 'stateless',
  clientRequests: new Set([
    'server/discover',
    'subscriptions/listen',
    'tools/list',
    'tools/call',
    'resources/list',
    'resources/templates/list',
    'resources/read',
    'prompts/list',
    'prompts/get',
    'completion/complete',
    'tasks/get',
    'tasks/update',
    'tasks/cancel',
  ]),
  serverRequests: new Set(['roots/list', 'sampling/createMessage', 'elicitation/create']),
  inputRequiredMethods: new Set(['tools/call', 'prompts/get', 'resources/read']),
  errorCodes: { URL_ELICITATION_REQUIRED: -32603 },
  httpStatuses: { METHOD_NOT_FOUND: 404 },
  members: {
    ...members,
    serverCapabilities: [
      ...members.serverCapabilities.filter((name) => name !== 'tasks'),
      'extensions',
    ],
    tool: members.tool.filter((name) => name !== 'execution'),
  },
  structuredContent: 'any',
  resultType: true,
  cacheHints: true,
  tasks: 'extension',
  extensions: true,
  logLevelPerRequest: true,
  elicitation: { url: true, modeMember: true, elicitationId: false, richChoices: true },
  http: { standardHeaders: true, disconnectCancels: true, primedStreams: false },
}
