import { basename, join, resolve } from 'node:path'
import { builtin } from '../../../internal/builtin.ts'
import type { SkillSource } from './skill.ts'

const manifest = 'SKILL.md'
/** More is in no directory of skills; what goes on without end is something else. */
const maxDepth = 16
const maxSkillBytes = 16 * 1024 * 1024

/**
 * Reads all skills of a directory: each folder with a `SKILL.md`, at any depth, is one, and its path in the directory
 * is the skill's. Files and folders whose names begin with a dot, and symbolic links, are left out.
 *
 * @param directory - a folder of skills, or one skill
 * @throws what reading throws; TypeError when there is no skill, or one is too large to be served
 * @example
 * for (const skill of await skillsFromDirectory('skills')) server.skill(skill)
 */
export async function skillsFromDirectory(directory: string): Promise<SkillSource[]> {
  const root = resolve(directory)
  const files = await filesBelow(root, '', 0)
  const folders = files.filter((path) => basename(path) === manifest).map(folderOf)
  if (folders.length === 0) throw new TypeError(`There is no SKILL.md in ${directory}`)
  return Promise.all(
    folders.map(async (folder) => ({
      path: folder === '' ? basename(root) : folder,
      files: await readFiles(root, folder, files),
    })),
  )
}

function folderOf(manifestPath: string): string {
  return manifestPath.slice(0, Math.max(manifestPath.length - manifest.length - 1, 0))
}

/** All files of a skill, those of skills inside it included (SEP-2640, nested-skills). */
async function readFiles(
  root: string,
  folder: string,
  files: readonly string[],
): Promise<Record<string, Uint8Array>> {
  const start = folder === '' ? '' : `${folder}/`
  const own = files.filter((path) => path.startsWith(start))
  const sizes = await Promise.all(
    own.map(async (path) => (await builtin.files.stat(join(root, path))).size),
  )
  const total = sizes.reduce((sum, size) => sum + size, 0)
  if (total > maxSkillBytes) {
    throw new TypeError(`Skill "${folder}": ${total} bytes, at most ${maxSkillBytes}`)
  }
  const contents = await Promise.all(
    own.map(
      async (path) =>
        [path.slice(start.length), await builtin.files.readFile(join(root, path))] as const,
    ),
  )
  return Object.fromEntries(contents)
}

/** The paths of all files below a folder, relative to the root, with slashes on every system, in order. */
async function filesBelow(root: string, folder: string, depth: number): Promise<string[]> {
  if (depth > maxDepth) throw new TypeError(`${root} has folders more than ${maxDepth} deep`)
  const entries = await builtin.files.readdir(join(root, folder), { withFileTypes: true })
  const visible = entries.filter(({ name }) => !name.startsWith('.'))
  const found = visible
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(async (entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) return filesBelow(root, path, depth + 1)
      return entry.isFile() ? [path] : []
    })
  return (await Promise.all(found)).flat()
}
