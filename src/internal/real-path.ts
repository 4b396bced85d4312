import { lstat, realpath } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'

/**
 * Where a path leads to once all links are followed, if that is inside a folder, or is the folder itself; else
 * undefined. What does not exist yet counts as lying where its nearest folder lies.
 *
 * @param path - absolute, or relative to the folder
 */
export async function realPathWithin(folder: string, path: string): Promise<string | undefined> {
  if (path.includes('\0')) return undefined
  const root = await realpath(folder).catch(() => undefined)
  if (root === undefined) return undefined
  const target = await nearestRealPath(resolve(root, path))
  if (target === undefined) return undefined
  const way = relative(root, target)
  const isInside = way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
  return isInside ? target : undefined
}

async function nearestRealPath(path: string): Promise<string | undefined> {
  try {
    return await realpath(path)
  } catch {
    // A link that leads nowhere would lead somewhere once that is written.
    const isThere = await lstat(path).then(
      () => true,
      () => false,
    )
    const parent = dirname(path)
    if (isThere || parent === path) return undefined
    const above = await nearestRealPath(parent)
    return above === undefined ? undefined : join(above, basename(path))
  }
}
