import { readFileSync } from 'node:fs'

interface Manifest {
  readonly version: string
  readonly exports: Readonly<Record<string, unknown>>
}

/** The package.json of this package; the tests of the package look at what it says. */
export const manifest: Manifest = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
)
