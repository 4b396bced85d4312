import { isUtf8 } from 'node:buffer'
import { constants, open, readdir } from 'node:fs/promises'
import { basename } from 'node:path'
import { realPathWithin } from '../internal/real-path.ts'
import { McpError } from '../protocol/errors.ts'
import { mediaTypeOf } from './extensions/skills/media-type.ts'
import type { ReadPart, ResourceReader } from './resources.ts'

export interface FilesOptions {
  /** The variable of the template that holds the path. Default `path`. */
  variable?: string
  /** A larger file is refused. Default 4 MiB. */
  maxBytes?: number
}

const directoryType = 'inode/directory'
/** Entries of a directory beyond these are not told. */
const maxEntries = 1000

/**
 * Reads the files of a folder, for a resource template: text as text, everything else as bytes, a directory as the
 * names in it (`inode/directory`). What lies outside of the folder, by `..`, encoded or not, or by a link, does not exist.
 *
 * @example
 * server.resourceTemplate('file:///notes/{+path}', { name: 'notes' }, filesIn('/srv/notes'))
 */
export function filesIn(folder: string, options: FilesOptions = {}): ResourceReader {
  const { variable = 'path', maxBytes = 4 * 1024 * 1024 } = options
  return async ({ variables }) => {
    const path = await realPathWithin(folder, `./${variables[variable] ?? ''}`)
    return path === undefined ? undefined : readPath(path, maxBytes)
  }
}

async function readPath(path: string, maxBytes: number): Promise<ReadPart | undefined> {
  // A pipe must not hold up whoever opens it.
  const file = await open(
    path,
    constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW,
  ).catch(() => undefined)
  if (file === undefined) return undefined
  try {
    const stats = await file.stat()
    if (stats.isDirectory()) {
      const entries = await readdir(path, { withFileTypes: true })
      const names = entries.map((each) => (each.isDirectory() ? `${each.name}/` : each.name))
      return { text: names.sort().slice(0, maxEntries).join('\n'), mimeType: directoryType }
    }
    if (!stats.isFile()) return undefined
    if (stats.size > maxBytes) {
      throw new McpError('INVALID_PARAMS', `The file is larger than ${maxBytes} bytes`)
    }
    const bytes = await file.readFile()
    const mimeType = mediaTypeOf(basename(path), isUtf8(bytes))
    return isUtf8(bytes) ? { text: bytes.toString(), mimeType } : { blob: bytes, mimeType }
  } finally {
    await file.close()
  }
}
