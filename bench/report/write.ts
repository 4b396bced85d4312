import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Provenance, repository } from '../machine.ts'
import type { Samples } from '../samples.ts'
import { type RunSettings, renderReport } from './markdown.ts'

/** Where the results of a kind of run go, below bench/results and docs. */
interface ReportFiles {
  /** Before the date in the name of the raw samples. */
  prefix: string
  latest: string
  page: string
  render: typeof renderReport
}

/** Writes the raw samples and, if asked, the published pages; returns the paths. */
export function writeReport(
  from: Provenance,
  run: RunSettings,
  samples: Samples,
  publishes: boolean,
): Promise<string[]> {
  const files = {
    prefix: '',
    latest: 'latest.json',
    page: 'benchmarks.md',
    render: renderReport,
  }
  return writeRun(files, from, run, samples, publishes)
}

/** The same for any kind of run. */
export async function writeRun(
  { prefix, latest, page, render }: ReportFiles,
  from: Provenance,
  run: RunSettings,
  samples: Samples,
  publishes: boolean,
): Promise<string[]> {
  const results = join(repository, 'bench', 'results')
  await mkdir(results, { recursive: true })
  const json = `${JSON.stringify({ ...from, ...run, samples: samples.all }, null, 2)}\n`
  const stamp = from.date.slice(0, 19).replaceAll(':', '')
  const files: [string, string][] = [[join(results, `${prefix}${stamp}-${from.commit}.json`), json]]
  if (publishes) {
    files.push([join(results, latest), json])
    files.push([join(repository, 'docs', page), render(from, run, samples)])
  }
  for (const [path, content] of files) await writeFile(path, content)
  return files.map(([path]) => path)
}
