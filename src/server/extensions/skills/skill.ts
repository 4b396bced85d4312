import { isUtf8 } from 'node:buffer'
import { builtin } from '../../../internal/builtin.ts'
import type { Resource } from '../../../protocol/types.ts'
import type { Context } from '../../context.ts'
import type { ResourceReader } from '../../resources.ts'
import { type Frontmatter, readFrontmatter } from './frontmatter.ts'
import { mediaTypeOf } from './media-type.ts'

type Content = string | Uint8Array
/** A file of a skill: its content, or a function that makes it anew for each reader. */
export type SkillFile = Content | ((context: Context) => Content | Promise<Content>)

/** A skill as it is given to the server. */
export interface SkillSource {
  /** Where it stands among the server's skills; the last part is its name, for instance `acme/billing/refunds`. */
  path: string
  /**
   * Its files by their paths inside the skill. One is `SKILL.md`, and that is no function. A skill with functions
   * among its files cannot be verified by hosts, and some will not load it.
   */
  files: Readonly<Record<string, SkillFile>>
}

/** What clients are told of a skill (SEP-2640, skill-entries). */
interface SkillEntry {
  readonly uri: string
  readonly frontmatter: Frontmatter
  readonly resources: 'dynamic' | readonly { uri: string; digest: string; size: number }[]
}

export interface CompiledSkill {
  readonly entry: SkillEntry
  readonly files: readonly { readonly resource: Resource; readonly read: ResourceReader }[]
}

const manifest = 'SKILL.md'
/** What every host must accept (SEP-2640, limits); a larger skill is of use to few. */
const maxFiles = 512
const maxBytes = 16 * 1024 * 1024

/**
 * Checks a skill and computes what clients are told of it.
 *
 * @throws TypeError that names the skill and what is wrong with it
 */
export function compileSkill(source: SkillSource): CompiledSkill {
  try {
    return compile(source)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new TypeError(`Skill "${source.path}": ${message}`, { cause: error })
  }
}

function compile({ path, files }: SkillSource): CompiledSkill {
  const skillMd = files[manifest]
  if (skillMd === undefined) throw new TypeError('SKILL.md is missing')
  if (typeof skillMd === 'function') throw new TypeError('SKILL.md must not be a function')
  const frontmatter = readFrontmatter(textOf(skillMd))
  const root = rootUri(path)
  if (frontmatter.name !== path.split('/').at(-1)) {
    throw new TypeError(`the last part of the path must be the name, "${frontmatter.name}"`)
  }
  const entries = Object.entries(files)
  if (entries.length > maxFiles) throw new TypeError(`at most ${maxFiles} files`)
  const digests: { uri: string; digest: string; size: number }[] = []
  const compiled = entries.map(([filePath, file]) => {
    const uri = `${root}/${encodePath(filePath)}`
    if (typeof file === 'function') return dynamicFile(uri, filePath, file)
    const bytes = typeof file === 'string' ? Buffer.from(file) : Buffer.from(file)
    digests.push({ uri, digest: digestOf(bytes), size: bytes.length })
    const described = filePath === manifest ? frontmatter : undefined
    return staticFile(uri, filePath, bytes, described)
  })
  const total = digests.reduce((sum, { size }) => sum + size, 0)
  if (total > maxBytes) throw new TypeError(`its files have ${total} bytes, at most ${maxBytes}`)
  const isDynamic = digests.length < compiled.length
  return {
    entry: {
      uri: `${root}/${manifest}`,
      frontmatter,
      resources: isDynamic ? 'dynamic' : digests,
    },
    files: compiled,
  }
}

function staticFile(
  uri: string,
  path: string,
  bytes: Buffer,
  frontmatter: Frontmatter | undefined,
): CompiledSkill['files'][number] {
  const isText = isUtf8(bytes)
  const name = path.slice(path.lastIndexOf('/') + 1)
  const resource: Resource = {
    uri,
    name: frontmatter?.name ?? name,
    mimeType: mediaTypeOf(name, isText),
    size: bytes.length,
  }
  if (frontmatter !== undefined) resource.description = frontmatter.description
  const content = isText ? bytes.toString() : bytes
  return { resource, read: () => content }
}

function dynamicFile(
  uri: string,
  path: string,
  make: (context: Context) => Content | Promise<Content>,
): CompiledSkill['files'][number] {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const resource: Resource = { uri, name, mimeType: mediaTypeOf(name, true) }
  return { resource, read: (_request, context) => make(context) }
}

function textOf(content: Content): string {
  if (typeof content === 'string') return content
  if (!isUtf8(content)) throw new TypeError('SKILL.md must be UTF-8 text')
  return Buffer.from(content).toString()
}

function digestOf(bytes: Buffer): string {
  return `sha256:${builtin.crypto.createHash('sha256').update(bytes).digest('hex')}`
}

function rootUri(path: string): string {
  const [authority = '', ...rest] = path.split('/')
  // The first part stands where other URIs have a host (RFC 3986, reg-name).
  if (!/^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/.test(authority)) {
    throw new TypeError('the path must begin with lower-case letters, digits, dots or hyphens')
  }
  return `skill://${[authority, ...rest.map(encodeSegment)].join('/')}`
}

function encodePath(path: string): string {
  return path.split('/').map(encodeSegment).join('/')
}

function encodeSegment(segment: string): string {
  if (segment === '' || segment === '.' || segment === '..') {
    throw new TypeError(`"${segment}" cannot be part of a path`)
  }
  return encodeURIComponent(segment)
}
