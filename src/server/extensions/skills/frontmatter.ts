import { createRequire } from 'node:module'
import { isJsonObject } from '../../../protocol/json-rpc.ts'
import type { JsonObject } from '../../../protocol/types.ts'

/** What every `SKILL.md` says of its skill; further fields are passed on as they are. */
export type Frontmatter = JsonObject & { name: string; description: string }

/** The rules of the Agent Skills specification for names (agentskills.io/specification#name-field). */
const namePattern = /^[a-z0-9]+(?:-[a-z0-9]+)*$/
const maxNameLength = 64
const maxDescriptionLength = 1024

// A server without skills never loads it.
const require = createRequire(import.meta.url)

/**
 * The YAML frontmatter of a `SKILL.md`, as JSON.
 *
 * @throws TypeError when there is none, it is no YAML, or it lacks a proper name or description
 */
export function readFrontmatter(skillMd: string): Frontmatter {
  const yaml = frontmatterText(skillMd)
  if (yaml === undefined) {
    throw new TypeError('SKILL.md must begin with YAML frontmatter between two lines of ---')
  }
  const { parse } = require('yaml') as typeof import('yaml')
  let parsed: unknown
  try {
    parsed = JSON.parse(JSON.stringify(parse(yaml)) ?? 'null')
  } catch (error) {
    const [message] = String(error instanceof Error ? error.message : error).split('\n')
    throw new TypeError(`The frontmatter of SKILL.md is not valid YAML: ${message}`, {
      cause: error,
    })
  }
  if (!isJsonObject(parsed)) throw new TypeError('The frontmatter of SKILL.md must be a mapping')
  const { name, description } = parsed
  if (typeof name !== 'string' || !namePattern.test(name) || name.length > maxNameLength) {
    throw new TypeError(
      `name in SKILL.md must be 1 to ${maxNameLength} lower-case letters, digits and single hyphens between them`,
    )
  }
  if (
    typeof description !== 'string' ||
    description.trim() === '' ||
    description.length > maxDescriptionLength
  ) {
    throw new TypeError(
      `description in SKILL.md must be text of 1 to ${maxDescriptionLength} characters`,
    )
  }
  return parsed as Frontmatter
}

function frontmatterText(skillMd: string): string | undefined {
  const [first, ...lines] = skillMd.replace(/^\ufeff/, '').split(/\r?\n/)
  const end = lines.findIndex((line) => line.trimEnd() === '---')
  return first?.trimEnd() === '---' && end >= 0 ? lines.slice(0, end).join('\n') : undefined
}
