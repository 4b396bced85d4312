import { declaredExtension, extensionId } from './extensions.ts'
import { isJsonObject } from './json-rpc.ts'
import type { ClientCapabilities, Tool } from './types.ts'

/** The one type of content that MCP Apps has (ext-apps 2026-01-26, content-requirements). */
export const uiMimeType = 'text/html;profile=mcp-app'

/** Who may use a tool: the agent, or the user interface that runs in the host. */
export type UiAudience = 'model' | 'app'

/** Whether a client shows the user interfaces of MCP Apps. */
export function supportsUi(capabilities: ClientCapabilities): boolean {
  const mimeTypes = declaredExtension(capabilities, extensionId.ui)?.mimeTypes
  return Array.isArray(mimeTypes) && mimeTypes.includes(uiMimeType)
}

/** Whether the agent may be offered a tool; the others are there for the user interface alone. */
export function isForModel({ _meta }: Tool): boolean {
  const ui = _meta?.ui
  const visibility = isJsonObject(ui) ? ui.visibility : undefined
  return !Array.isArray(visibility) || visibility.includes('model')
}
