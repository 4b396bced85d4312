import { existsSync } from 'node:fs'
import { rolldown } from 'rolldown'

const root = new URL('..', import.meta.url).pathname
const source = `${root}src/`

/**
 * Of these test files, those that dist/ can be judged by: they, and what they import of test/, use of src/ only what the
 * package has as files of its own. The modules within are bundled: nobody can import them, and neither can a test.
 */
export async function publishedTests(files: readonly string[]): Promise<string[]> {
  const imports = new Map<string, readonly string[]>()
  const bundle = await rolldown({
    cwd: root,
    input: files.map((file) => root + file),
    platform: 'node',
    logLevel: 'silent',
    external: (id) => /^[^./]/.test(id) || id.startsWith(source),
    plugins: [
      {
        name: 'imports',
        moduleParsed({ id, importedIds, dynamicallyImportedIds }) {
          imports.set(id, [...importedIds, ...dynamicallyImportedIds])
        },
      },
    ],
  })
  await bundle.generate()
  await bundle.close()

  const isWithin = (id: string) =>
    id.startsWith(source) && !existsSync(id.replace(source, `${root}dist/`).replace(/\.ts$/, '.js'))
  const reachesWithin = (id: string, seen = new Set<string>()): boolean => {
    if (isWithin(id)) return true
    if (seen.has(id)) return false
    seen.add(id)
    return (imports.get(id) ?? []).some((imported) => reachesWithin(imported, seen))
  }
  return files.filter((file) => !reachesWithin(root + file))
}
