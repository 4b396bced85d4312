import { revision20241105 } from './2024-11-05.ts'
import type { Revision } from './revision.ts'

/** Adds batches, tool annotations, audio, the completions capability and the message of progress. */
export const revision20250326: Revision = {
  ...revision20241105,
  name: '2025-03-26',
  batches: true,
  members: {
    ...revision20241105.members,
    serverCapabilities: [...revision20241105.members.serverCapabilities, 'completions'],
    tool: [...revision20241105.members.tool, 'annotations'],
  },
  contentTypes: new Set(['text', 'image', 'audio', 'resource']),
  progressMessage: true,
  sampling: { tools: false, audio: true },
}
