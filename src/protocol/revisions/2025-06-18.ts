import { revision20250326 } from './2025-03-26.ts'
import type { Revision } from './revision.ts'

/** Adds structured output, elicitation, resource links, titles and `_meta`; takes batches away. */
export const revision20250618: Revision = {
  ...revision20250326,
  name: '2025-06-18',
  serverRequests: new Set([...revision20250326.serverRequests, 'elicitation/create']),
  batches: false,
  members: {
    serverCapabilities: revision20250326.members.serverCapabilities,
    implementation: ['name', 'title', 'version'],
    tool: ['name', 'title', 'description', 'inputSchema', 'outputSchema', 'annotations', '_meta'],
    resource: ['uri', 'name', 'title', 'description', 'mimeType', 'annotations', 'size', '_meta'],
    resourceTemplate: [
      'uriTemplate',
      'name',
      'title',
      'description',
      'mimeType',
      'annotations',
      '_meta',
    ],
    prompt: ['name', 'title', 'description', 'arguments', '_meta'],
    promptArgument: ['name', 'title', 'description', 'required'],
    annotations: [...revision20250326.members.annotations, 'lastModified'],
    content: [
      ...(revision20250326.members.content ?? []),
      'name',
      'title',
      'description',
      'size',
      '_meta',
    ],
  },
  contentTypes: new Set(['text', 'image', 'audio', 'resource', 'resource_link']),
  structuredContent: 'object',
  elicitation: { url: false, modeMember: false, elicitationId: false, richChoices: false },
}
