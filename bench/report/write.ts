import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Provenance, repository } from '../machine.ts'
import type { Samples } from '../samples.ts'
import { type RunSettings, renderReport } from './markdown.ts'

/** Writes the raw samples and, if asked, the published pages; returns the paths. */
export async function writeReport(
  from: Provenance,
  run: RunSettings,
  samples: Samples,
  publishes: boolean,
): Promise<string[]> {
  const results = join(repository, 'bench', 'results')
  await mkdir(results, { recursive: true })
  const json = `${JSON.stringify({ ...from, ...run, samples: samples.all }, null, 2)}\n`
  const stamp = from.date.slice(0, 19).replaceAll(':', '')
  const files: [string, string][] = [[join(results, `${stamp}-${from.commit}.json`), json]]
  if (publishes) {
    await mkdir(join(repository, 'docs'), { recursive: true })
    files.push([join(results, 'latest.json'), json])
    files.push([join(repository, 'docs', 'benchmarks.md'), renderReport(from, run, samples)])
  }
  for (const [path, content] of files) await writeFile(path, content)
  return files.map(([path]) => path)
}
