import { McpError, quoted } from '../../../protocol/errors.ts'
import type { JsonObject, Resource } from '../../../protocol/types.ts'
import { defineKind } from '../../../registry/kind.ts'
import type { Registry } from '../../../registry/registry.ts'
import { PagedList, viewOf } from '../../list.ts'
import type { Resources } from '../../resources.ts'
import type { ResultEncoder } from '../../result.ts'
import type { MethodHandler } from '../../service.ts'
import { Directories } from './directories.ts'
import { type CompiledSkill, compileSkill, type SkillSource } from './skill.ts'

const skillKind = defineKind<CompiledSkill>('skill', {
  describe: ({ files }) => ({ files: files.length }),
})

/** The skills that a server offers (SEP-2640): their entries, and their files as resources. */
export class Skills {
  readonly #list: PagedList<CompiledSkill>
  readonly #resources: Resources
  readonly #pageSize: number
  #directories: Directories | undefined = undefined

  constructor(registry: Registry, resources: Resources, pageSize: number) {
    this.#resources = resources
    this.#pageSize = pageSize
    const names = registry.of(skillKind)
    this.#list = new PagedList(names, 'skills', pageSize, (_revision, { entry }) => ({ ...entry }))
    this.#list.onChange(() => {
      this.#directories = undefined
    })
  }

  /**
   * Adds a skill: its `SKILL.md` stands in the list of resources, its other files can be read.
   *
   * @returns a function that takes it away again
   * @throws TypeError when it is no proper skill, or its path is taken
   */
  add(source: SkillSource): () => void {
    const skill = compileSkill(source)
    const { uri } = skill.entry
    const removers: (() => void)[] = [() => this.#list.remove(uri, skill)]
    const remove = (): void => {
      for (const each of removers) each()
    }
    this.#list.add(uri, skill)
    try {
      for (const { resource, read } of skill.files) {
        const { uri: fileUri, ...config } = resource
        // A file of a skill inside another belongs to both, and is listed for the one whose SKILL.md it is.
        const isListed = fileUri === uri
        const register = isListed ? this.#resources.add : this.#resources.addUnlisted
        removers.push(register.call(this.#resources, fileUri, config, read))
      }
    } catch (error) {
      remove()
      throw error
    }
    return remove
  }

  /** The methods of the extension. */
  methods(encoder: ResultEncoder): Record<string, MethodHandler> {
    return {
      'skills/list': ({ peer, visibility }, { cursor }) => {
        const view = viewOf(visibility, 'resource', ({ entry }: CompiledSkill) => entry.uri)
        return this.#list.page(encoder, peer.revision, cursor, view)
      },
      'skills/get': ({ peer }, { uri }) => encoder.withCacheHints(peer.revision, this.#get(uri)),
      'resources/directory/read': ({ peer, visibility }, { uri, cursor }) => {
        this.#directories ??= new Directories(this.#files(), this.#pageSize)
        return this.#directories.read(peer.revision, uri, cursor, visibility)
      },
    }
  }

  #get(uri: unknown): JsonObject {
    const skill = typeof uri === 'string' ? this.#list.get(uri) : undefined
    if (skill === undefined) {
      throw new McpError('INVALID_PARAMS', `No skill is served at ${quoted(String(uri))}`, {
        data: { uri },
      })
    }
    return { skill: skill.entry }
  }

  *#files(): Iterable<Resource> {
    for (const { files } of this.#list.values()) {
      for (const { resource } of files) yield resource
    }
  }
}
