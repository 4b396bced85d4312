import { isAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'
import { realPathWithin } from '../internal/real-path.ts'
import type { Root } from '../protocol/types.ts'

/**
 * Whether a path lies within one of the client's roots once `..` and links are resolved (client/roots). A root that is
 * not there, or is no `file://` URI, holds nothing.
 *
 * @param path - absolute, or a `file://` URI; it need not exist
 * @example
 * if (!(await isWithinRoots(path, await context.roots()))) throw new Error('That is none of your folders')
 */
export async function isWithinRoots(path: string, roots: readonly Root[]): Promise<boolean> {
  const target = path.startsWith('file:') ? filePath(path) : path
  if (target === undefined || !isAbsolute(target)) return false
  for (const { uri } of roots) {
    const folder = filePath(uri)
    if (folder !== undefined && (await realPathWithin(folder, target)) !== undefined) return true
  }
  return false
}

function filePath(uri: string): string | undefined {
  try {
    return fileURLToPath(uri)
  } catch {
    return undefined
  }
}
