export { supportsUi, type UiAudience } from './protocol/apps.ts'
export { type ErrorCode, McpError } from './protocol/errors.ts'
export type { TaskError, TaskInputRequest, TaskRecord, TaskStatus } from './protocol/tasks.ts'
export type * from './protocol/types.ts'
export type {
  ElicitForm,
  ElicitUrl,
  QuestionOptions,
  SampleRequest,
} from './server/client-requests.ts'
export { type Completer, completeFrom } from './server/completion.ts'
export {
  audio,
  embeddedResource,
  image,
  resourceLink,
  type ToolResult,
  text,
  toolError,
  toolResult,
} from './server/content.ts'
export type { Context } from './server/context.ts'
export type { UiConfig, UiLink, UiPermission } from './server/extensions/apps.ts'
export type { ExtensionConfig, ExtensionMethod } from './server/extensions/extensions.ts'
export type { SkillFile, SkillSource } from './server/extensions/skills/skill.ts'
export { skillsFromDirectory } from './server/extensions/skills/skills-from-directory.ts'
export { type FilesOptions, filesIn } from './server/files.ts'
export { type MountOptions, mount, type SdkServer } from './server/mount.ts'
export type {
  PromptArgumentConfig,
  PromptArguments,
  PromptConfig,
  PromptHandler,
  PromptReturn,
} from './server/prompts.ts'
export type { RequestStateOptions } from './server/request-state.ts'
export type {
  ReadPart,
  ReadReturn,
  ResourceConfig,
  ResourceReader,
  ResourceTemplateConfig,
} from './server/resources.ts'
export { isWithinRoots } from './server/roots.ts'
export type { SchemaInput, SchemaOutput, SchemaValue } from './server/schema.ts'
export {
  defineServer,
  type Registration,
  type Server,
  type ServerOptions,
} from './server/server.ts'
export { isServable, type Servable } from './server/service.ts'
export type { TaskConfig } from './server/tasks/task-call.ts'
export type { TaskOptions } from './server/tasks/task-options.ts'
export type { TaskStore } from './server/tasks/task-store.ts'
export type { ToolConfig, ToolHandler, ToolReturn } from './server/tool-config.ts'
