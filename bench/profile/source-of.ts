import { readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(import.meta.dirname, '../..')
const maps = new Map<string, SourceMap | undefined>()

/**
 * Where something stands in the sources, for what was bundled; otherwise in the file itself.
 *
 * @param line - from 0
 * @param column - from 0
 * @returns a path from the root of the repository and a line from 1, as `src/server/engine.ts:12`
 */
export function sourceOf(url: string, line: number, column: number): string {
  if (!url.startsWith('file:')) return `${url}:${line + 1}`
  const file = fileURLToPath(url)
  const entry = mapOf(file)?.findEntry(line, column)
  if (entry !== undefined && 'originalSource' in entry && entry.originalSource !== undefined) {
    const source = new URL(entry.originalSource, url).pathname
    return `${relative(root, source)}:${entry.originalLine + 1}`
  }
  return `${relative(root, file)}:${line + 1}`
}

function mapOf(file: string): SourceMap | undefined {
  if (!maps.has(file)) {
    let map: SourceMap | undefined
    try {
      map = new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')))
    } catch {
      // Most files were not bundled.
    }
    maps.set(file, map)
  }
  return maps.get(file)
}
