/**
 * Makes dist/: one declaration file for each module of src/, and the modules themselves in few files, since what a
 * program waits for at its start is the number of files more than their size.
 *
 * A module finds files of the package by its own URL. In dist/ it stands in `dist/chunks/` or at the place of an entry,
 * so such a path begins with `../` and goes on from there as in src/: `new URL('../cli/x.js', import.meta.url)`.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, globSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'

const root = new URL('..', import.meta.url).pathname
const dist = join(root, 'dist')

/** What is started or imported by its path: the subpaths of the package, the program, and what runs beside it. */
const entries = globSync(['src/*.ts', 'src/cli/main.ts', 'src/**/*-{worker,thread}.ts'], {
  cwd: root,
})

const { status } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
})
if (status !== 0) process.exit(status ?? 1)

const bundle = await rolldown({
  cwd: root,
  input: Object.fromEntries(
    entries.map((path) => [path.slice('src/'.length, -'.ts'.length), join(root, path)]),
  ),
  platform: 'node',
  // Dependencies and Node's own modules stay imports.
  external: /^[^./]/,
})
const { output } = await bundle.write({
  dir: dist,
  format: 'esm',
  // The sources are not in the package: the map carries them.
  sourcemap: true,
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
  codeSplitting: {
    // Each with all that it imports: a server over HTTP begins with these two files.
    groups: [
      { name: 'core', test: /src\/index\.ts$/, priority: 2 },
      { name: 'http', test: /src\/http\.ts$/, priority: 1 },
    ],
  },
})
await bundle.close()
chmodSync(join(dist, 'cli/main.js'), 0o755)

// Afterwards, so that what runs from dist/ meanwhile finds its files until there are others.
const written = new Set(output.map(({ fileName }) => fileName))
for (const module of globSync('**/*.ts', { cwd: join(root, 'src') })) {
  written.add(module.replace(/\.ts$/, '.d.ts'))
}
for (const file of globSync('**/*.{js,js.map,d.ts}', { cwd: dist })) {
  if (!written.has(file)) rmSync(join(dist, file))
}
