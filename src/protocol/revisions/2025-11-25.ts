import { revision20250618 } from './2025-06-18.ts'
import type { Revision } from './revision.ts'

const { members } = revision20250618

/** Adds icons, URL elicitation, rich choices, tools in sampling, tasks, and streams that are primed and polled. */
export const revision20251125: Revision = {
  ...revision20250618,
  name: '2025-11-25',
  invalidArguments: 'result',
  errorCodes: { ...revision20250618.errorCodes, URL_ELICITATION_REQUIRED: -32042 },
  clientRequests: new Set([
    ...revision20250618.clientRequests,
    'tasks/get',
    'tasks/result',
    'tasks/list',
    'tasks/cancel',
  ]),
  members: {
    ...members,
    serverCapabilities: [...members.serverCapabilities, 'tasks'],
    implementation: ['name', 'title', 'version', 'description', 'websiteUrl', 'icons'],
    tool: [...members.tool, 'icons', 'execution'],
    resource: [...members.resource, 'icons'],
    resourceTemplate: [...members.resourceTemplate, 'icons'],
    prompt: [...members.prompt, 'icons'],
    content: undefined,
  },
  elicitation: { url: true, modeMember: true, elicitationId: true, richChoices: true },
  tasks: 'augmented',
  sampling: { tools: true, audio: true },
  http: { standardHeaders: false, disconnectCancels: false, primedStreams: true },
}
