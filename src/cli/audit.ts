import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { AuditRecord } from '../security/audit/audit-event.ts'
import { type AuditQuery, csvHead, csvLine, queryAudit } from '../security/audit/query.ts'
import { verifyAudit } from '../security/audit/verify.ts'
import { CliError, messageOf, usageError } from './cli-error.ts'
import { columns } from './columns.ts'
import type { CommandContext } from './command-context.ts'
import { print } from './io.ts'
import { commanderOption, commonSettings, resolveSettings, serveSettings } from './settings.ts'

const examples = `
Examples:
  tsmcp audit verify audit --public-key trusted.pem
  tsmcp audit query audit --who alice --outcome denied --since 2026-11-01
  tsmcp audit export audit --format csv --until 2026-11-30 > november.csv

verify ends with 1 when anything of the log was changed, moved or taken away.`

/** Adds `tsmcp audit` to the program. */
export function addAudit(program: Command, context: CommandContext): void {
  const { io } = context
  const audit = program
    .command('audit')
    .summary('verify, search and export the audit log')
    .description('The audit log that tsmcp serve --audit writes.')
    .addHelpText('after', examples)

  add('verify', 'check that the log is as it was written')
    .option('--public-key <file>', 'the key to trust (default: the one beside the log)')
    .action(async (folder: string | undefined, flags: Flags) => {
      const directory = directoryOf(folder, flags)
      const report = await attempt(() =>
        verifyAudit(
          directory,
          flags.publicKey === undefined
            ? undefined
            : readFileSync(resolve(io.cwd, flags.publicKey), 'utf8'),
        ),
      )
      const { problems, notes, records, files, checkpoints } = report
      if (isJson(flags)) print(io, JSON.stringify(report))
      else {
        for (const problem of problems) print(io, problem)
        for (const each of notes) print(io, `note: ${each}`)
        const verdict = problems.length === 0 ? 'intact' : 'NOT intact'
        const counts = `${records} records, ${checkpoints} signatures, ${files} files`
        print(io, `${verdict}: ${counts}`)
      }
      context.finish(problems.length === 0 ? 0 : 1)
    })

  withQuery(add('query', 'show records, the newest last'))
    .option('--limit <number>', 'how many at most, of the newest (default: 100)')
    .action(async (folder: string | undefined, flags: Flags) => {
      const limit = limitOf(flags.limit)
      const found: AuditRecord[] = []
      await attempt(async () => {
        for await (const record of queryAudit(directoryOf(folder, flags), queryOf(flags))) {
          found.push(record)
          if (found.length > limit) found.shift()
        }
      })
      if (isJson(flags)) for (const record of found) print(io, JSON.stringify(record))
      else for (const line of columns(found.map(rowOf), io.columns)) print(io, line)
      context.finish(0)
    })

  withQuery(add('export', 'write records for other programs'))
    .option('--format <format>', 'jsonl or csv (default: jsonl)')
    .action(async (folder: string | undefined, flags: Flags) => {
      const { format = 'jsonl' } = flags
      if (format !== 'jsonl' && format !== 'csv') {
        throw usageError(`--format is '${format}', but only jsonl or csv is allowed`)
      }
      if (format === 'csv') print(io, csvHead)
      await attempt(async () => {
        for await (const record of queryAudit(directoryOf(folder, flags), queryOf(flags))) {
          print(io, format === 'csv' ? csvLine(record) : JSON.stringify(record))
        }
      })
      context.finish(0)
    })

  function add(name: string, about: string): Command {
    const command = audit.command(`${name} [FOLDER]`).description(about).allowExcessArguments(false)
    for (const setting of Object.values(commonSettings)) command.addOption(commanderOption(setting))
    return command
  }

  function directoryOf(folder: string | undefined, flags: Flags): string {
    const { audit: given } = resolveSettings(
      { audit: serveSettings.audit },
      { flags: { ...flags }, env: io.env },
    )
    if (folder === undefined && given === '') {
      throw usageError('name the folder of the log, as in tsmcp audit verify audit')
    }
    return resolve(io.cwd, folder ?? given)
  }

  function isJson(flags: Flags): boolean {
    return resolveSettings(commonSettings, { flags: { ...flags }, env: io.env }).json
  }
}

interface Flags {
  readonly publicKey?: string
  readonly who?: string
  readonly issuer?: string
  readonly object?: string
  readonly method?: string
  readonly outcome?: string
  readonly event?: string
  readonly address?: string
  readonly trace?: string
  readonly since?: string
  readonly until?: string
  readonly limit?: string
  readonly format?: string
}

function withQuery(command: Command): Command {
  return command
    .option('--who <subject>', 'only of this caller; * stands for any characters, here and below')
    .option('--issuer <issuer>', 'only of callers whom this issuer of tokens vouches for')
    .option('--object <object>', 'only on this object, such as tool:weather.*')
    .option('--method <method>', 'only this method')
    .option('--outcome <outcome>', 'ok, tool-error, error, denied, limited or cancelled')
    .option('--event <event>', 'only this kind of record, such as request or refused')
    .option('--address <address>', 'only from this address')
    .option('--trace <id>', 'only of this trace')
    .option('--since <time>', 'not before this date or time')
    .option('--until <time>', 'not after this date or time; a date means its whole day')
}

function queryOf(flags: Flags): AuditQuery {
  const { who, issuer, object, method, outcome, event, address, trace, since, until } = flags
  return {
    who,
    issuer,
    object,
    method,
    outcome,
    event,
    address,
    traceId: trace,
    since: since === undefined ? undefined : timeOf('--since', since),
    until: until === undefined ? undefined : timeOf('--until', endOfDay(until)),
  }
}

function endOfDay(text: string): string {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T23:59:59.999Z` : text
}

function timeOf(flag: string, text: string): Date {
  const date = new Date(text)
  if (!Number.isNaN(date.getTime())) return date
  throw usageError(`${flag} is '${text}', but only a date or time such as 2026-11-30 is allowed`)
}

function limitOf(text = '100'): number {
  const limit = /^\d{1,7}$/.test(text) ? Number(text) : 0
  if (limit > 0) return limit
  throw usageError(`--limit is '${text}', but only a whole number from 1 on is allowed`)
}

function rowOf(record: AuditRecord): string[] {
  const { time, event, who, address, method, object, outcome, rule, code } = record
  const cells = [
    time,
    outcome ?? event,
    who ?? '-',
    address ?? '-',
    object ?? method ?? '',
    rule ?? code ?? '',
  ]
  return cells.map(String)
}

async function attempt<Value>(act: () => Promise<Value>): Promise<Value> {
  try {
    return await act()
  } catch (error) {
    throw error instanceof CliError ? error : new CliError(messageOf(error), { cause: error })
  }
}
