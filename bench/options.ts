import { parseArgs } from 'node:util'

export interface Options {
  rounds: number
  seconds: number
  only: RegExp
  isQuick: boolean
  /** Whether the run replaces docs/benchmarks.md and bench/results/latest.json. */
  publishes: boolean
  profiles: boolean
  /** Only the rows of the seed's table, in place of the comparison with the peers. */
  isSeed: boolean
}

export const usage = `node bench/run.ts [options]

  --rounds N        rounds; each walks every server (default 5)
  --seconds S       length of each measuring window (default 3)
  --quick           2 rounds of 1 second: a first look, not a result
  --only PATTERN    only where "workload target" matches, e.g. 'call.*(tsmcp|raw)'
  --publish         replace docs/benchmarks.md and bench/results/latest.json; the default for a
                    run that is neither --quick nor --only
  --no-publish      do not
  --seed            the rows of the seed's table in place of the comparison with the peers; writes
                    docs/benchmarks-seed.md and bench/results/seed.json
  --profile         instead of measuring: CPU profile and flame graph of the server under load, in
                    bench/results/profiles; --only picks another, e.g. --only 'sessions tsmcp-durable'
`

function positive(text: string, name: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`--${name} wants a positive number, not '${text}'`)
  return value
}

export function readOptions(argv: string[]): Options | undefined {
  const { values } = parseArgs({
    args: argv,
    allowNegative: true,
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      publish: { type: 'boolean' },
      profile: { type: 'boolean', default: false },
      seed: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  return {
    rounds: Math.ceil(positive(values.rounds ?? (values.quick ? '2' : '5'), 'rounds')),
    seconds: positive(values.seconds ?? (values.quick ? '1' : '3'), 'seconds'),
    only: new RegExp(values.only ?? ''),
    isQuick: values.quick,
    publishes: values.publish ?? !(values.quick || values.only !== undefined),
    profiles: values.profile,
    isSeed: values.seed,
  }
}
