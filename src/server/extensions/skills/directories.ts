import { McpError, quoted } from '../../../protocol/errors.ts'
import type { Revision } from '../../../protocol/revisions/index.ts'
import { shapeResource } from '../../../protocol/shape.ts'
import type { JsonObject, Resource } from '../../../protocol/types.ts'
import type { Visibility } from '../../request-guard.ts'

const directoryType = 'inode/directory'

/** The directories of a set of files, by their URIs: what `resources/directory/read` lists (SEP-2640). */
export class Directories {
  readonly #children = new Map<string, Map<string, Resource>>()
  readonly #pageSize: number

  constructor(files: Iterable<Resource>, pageSize: number) {
    this.#pageSize = pageSize
    for (const file of files) this.#add(file)
  }

  /** One page of a directory's direct children. @throws McpError INVALID_PARAMS for what is no directory, or a cursor */
  read(
    revision: Revision,
    uri: unknown,
    cursor: unknown,
    visibility: Visibility | undefined,
  ): JsonObject {
    const children = typeof uri === 'string' ? this.#children.get(uri) : undefined
    if (children === undefined) {
      throw new McpError('INVALID_PARAMS', `${quoted(String(uri))} is not a directory resource`, {
        data: { uri },
      })
    }
    const seen = [...children.values()].filter(
      (child) => visibility?.includes('resource', child.uri) !== false,
    )
    const start = cursor === undefined ? 0 : this.#readCursor(cursor, seen.length)
    const end = start + this.#pageSize
    const page = seen.slice(start, end)
    const result: JsonObject = { resources: page.map((child) => shapeResource(revision, child)) }
    if (end < seen.length) result.nextCursor = btoa(`directory ${end}`)
    return result
  }

  /** Puts a file into its directory, that into the one above, and so on up to the scheme. */
  #add(file: Resource): void {
    let child = file
    for (;;) {
      const slash = child.uri.lastIndexOf('/')
      const parent = child.uri.slice(0, slash)
      if (parent.endsWith('/')) return
      let children = this.#children.get(parent)
      const isNew = children === undefined
      if (children === undefined) {
        children = new Map()
        this.#children.set(parent, children)
      }
      children.set(child.uri, child)
      if (!isNew) return
      const name = decodeURIComponent(parent.slice(parent.lastIndexOf('/') + 1))
      child = { uri: parent, name, mimeType: directoryType }
    }
  }

  #readCursor(cursor: unknown, size: number): number {
    let offset = 0
    try {
      offset = Number(/^directory (\d{1,9})$/.exec(atob(String(cursor)))?.[1] ?? 0)
    } catch {
      // not base64: not ours
    }
    if (offset <= 0 || offset % this.#pageSize !== 0 || offset >= size) {
      throw new McpError('INVALID_PARAMS', 'Invalid params: unknown cursor')
    }
    return offset
  }
}
