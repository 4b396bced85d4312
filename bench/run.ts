/** `npm run bench`: every workload against every server, and the report. See docs/benchmarks.md. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { provenance, repository } from './machine.ts'
import { type Options, readOptions, usage } from './options.ts'
import { Generator } from './processes/generator.ts'
import { runProfile } from './profile/run.ts'
import { barsTable } from './report/bars.ts'
import { writeReport } from './report/write.ts'
import { Samples } from './samples.ts'
import { seedBarsTable, writeSeedReport } from './seed/report.ts'
import { runSeedWorkloads } from './seed/run.ts'
import { runCallWorkloads } from './workloads/calls.ts'
import type { Context } from './workloads/context.ts'
import { runGatewayWorkloads } from './workloads/gateway.ts'
import { runImportWorkload } from './workloads/imports.ts'
import { runKeptWorkload } from './workloads/kept.ts'
import { runMemoryWorkloads } from './workloads/memory.ts'
import { checkRawAnswers } from './workloads/same-bytes.ts'
import { runSessionWorkload } from './workloads/sessions.ts'
import { runStdioWorkloads } from './workloads/stdio.ts'
import { runToolWorkloads } from './workloads/tools.ts'

const say = (line: string) => console.log(line)

/** Memory hardly varies from round to round, and takes long. */
const memoryRounds = 3

async function runBench(options: Options): Promise<void> {
  const isBuilt = existsSync(join(repository, 'dist', 'http.js'))
  if (!isBuilt && !options.isSeed)
    say('tsmcp is not built (npm run build): only its peers are measured')
  const generator = new Generator()
  const samples = new Samples()
  const context: Context = {
    round: 0,
    warmupMs: options.isQuick ? 1_000 : 2_500,
    windowMs: options.seconds * 1_000,
    isQuick: options.isQuick,
    samples,
    includes: (workload, { name }) =>
      options.only.test(`${workload} ${name}`) && (isBuilt || !/^(?:gateway|tsmcp)/.test(name)),
    load: (job, plan, timeoutMs) => generator.run(job, plan, timeoutMs),
    say,
  }
  const from = provenance()
  try {
    if (isBuilt && !options.isSeed) await checkRawAnswers(context)
    for (let round = 1; round <= options.rounds; round++) {
      say(`--- round ${round} of ${options.rounds}`)
      const inRound = { ...context, round }
      if (options.isSeed) {
        await runSeedWorkloads(inRound)
        continue
      }
      await runCallWorkloads(inRound)
      await runSessionWorkload(inRound)
      await runToolWorkloads(inRound)
      await runStdioWorkloads(inRound)
      await runGatewayWorkloads(inRound)
      await runImportWorkload(inRound)
      await runKeptWorkload(inRound)
      if (round <= memoryRounds) await runMemoryWorkloads(inRound)
    }
  } finally {
    await generator.close()
  }
  samples.dropSlow()
  const { rounds, seconds, isQuick } = options
  const write = options.isSeed ? writeSeedReport : writeReport
  const paths = await write(from, { rounds, seconds, isQuick }, samples, options.publishes)
  say(`\n${options.isSeed ? seedBarsTable(samples) : barsTable(samples)}\n`)
  for (const path of paths) say(`wrote ${path}`)
}

async function main(): Promise<void> {
  let options: Options | undefined
  try {
    options = readOptions(process.argv.slice(2))
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`)
    process.exitCode = 2
    return
  }
  if (!options) say(usage)
  else if (options.profiles) await runProfile(options)
  else await runBench(options)
}

await main()
