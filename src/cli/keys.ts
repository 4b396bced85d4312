import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { ApiKeyRecord } from '../security/keys/api-key.ts'
import { addApiKey, revokeApiKey } from '../security/keys/api-keys.ts'
import { readKeyFile } from '../security/keys/key-file.ts'
import { CliError, messageOf, usageError } from './cli-error.ts'
import { columns } from './columns.ts'
import type { CommandContext } from './command-context.ts'
import { note, print } from './io.ts'
import { commanderOption, commonSettings, resolveSettings, serveSettings } from './settings.ts'

const examples = `
Examples:
  tsmcp keys create ci --expires 90d --scope weather:read
  tsmcp keys list
  tsmcp keys revoke ci
  tsmcp serve server.ts --api-keys keys.json

A key is shown once, when it is made: the file holds only its hash. A running server follows the
file: a key that is revoked is refused at once.`

const defaultFile = 'keys.json'
const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Adds `tsmcp keys` to the program. */
export function addKeys(program: Command, context: CommandContext): void {
  const keys = program
    .command('keys')
    .summary('make, list and revoke API keys')
    .description('API keys: how programs say who they are, for installations without OAuth.')
    .addHelpText('after', examples)

  add('create <NAME>', 'make a key and show it')
    .option('--subject <name>', 'who its bearer is for policies (default: key:NAME)')
    .option('--scope <scope>', 'scope that its bearer has; repeatable', collect)
    .option('--expires <time>', 'when it ends: 90d, 12h, 30m, or a date such as 2027-01-31')
    .action((name: string, flags: Flags) =>
      run(flags, (file) => {
        const { key, record } = addApiKey(file, {
          name,
          ...(flags.subject !== undefined && { subject: flags.subject }),
          scopes: flags.scope ?? [],
          ...(flags.expires !== undefined && { expiresAt: expiryOf(flags.expires, Date.now()) }),
        })
        if (isJson(flags)) {
          print(context.io, JSON.stringify({ key, ...shown(record) }))
          return
        }
        print(context.io, key)
        note(context.io, 'Keep it: it cannot be shown again.')
      }),
    )
  add('list', 'show all keys, without their secrets').action((flags: Flags) =>
    run(flags, (file) => {
      const records = readKeyFile(file)
      if (isJson(flags)) print(context.io, JSON.stringify(records.map(shown)))
      else if (records.length === 0) note(context.io, `no keys in ${file}`)
      else for (const line of columns(table(records), context.io.columns)) print(context.io, line)
    }),
  )
  add('revoke <NAME>', 'make a key void, by its name or id').action((name: string, flags: Flags) =>
    run(flags, (file) => {
      const record = revokeApiKey(file, name)
      if (isJson(flags)) print(context.io, JSON.stringify(shown(record)))
      else print(context.io, `revoked ${record.name} (${record.id})`)
    }),
  )

  function add(name: string, about: string): Command {
    const command = keys
      .command(name)
      .description(about)
      .addOption(commanderOption({ ...serveSettings.apiKeys, defaultText: defaultFile }))
      .allowExcessArguments(false)
    for (const setting of Object.values(commonSettings)) command.addOption(commanderOption(setting))
    return command
  }

  function isJson(flags: Flags): boolean {
    return resolveSettings(commonSettings, { flags: { ...flags }, env: context.io.env }).json
  }

  function run(flags: Flags, act: (file: string) => void): void {
    const { apiKeys } = resolveSettings(
      { apiKeys: serveSettings.apiKeys },
      { flags: { ...flags }, env: context.io.env },
    )
    try {
      act(resolve(context.io.cwd, apiKeys === '' ? defaultFile : apiKeys))
    } catch (error) {
      throw error instanceof CliError ? error : new CliError(messageOf(error), { cause: error })
    }
    context.finish(0)
  }
}

interface Flags {
  readonly subject?: string
  readonly scope?: string[]
  readonly expires?: string
}

function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value]
}

function expiryOf(text: string, nowMs: number): Date {
  const [, count, unit] = /^(\d{1,5})([mhd])$/.exec(text) ?? []
  if (count !== undefined && unit !== undefined) {
    return new Date(nowMs + Number(count) * unitMs[unit as keyof typeof unitMs])
  }
  const date = new Date(text)
  if (Number.isNaN(date.getTime())) {
    throw usageError(`--expires is '${text}', but only 90d, 12h, 30m or a date is allowed`)
  }
  return date
}

/** What may be shown of a key: not even its hash. */
function shown({ salt: _, hash: __, ...rest }: ApiKeyRecord): Omit<ApiKeyRecord, 'salt' | 'hash'> {
  return rest
}

function table(records: readonly ApiKeyRecord[]): string[][] {
  const rows = records.map((record) => [
    record.name,
    record.id,
    record.subject,
    record.scopes.join(' '),
    stateOf(record, Date.now()),
  ])
  return [['NAME', 'ID', 'SUBJECT', 'SCOPES', 'STATE'], ...rows]
}

function stateOf({ revokedAt, expiresAt }: ApiKeyRecord, nowMs: number): string {
  if (revokedAt !== undefined) return `revoked ${revokedAt}`
  if (expiresAt === undefined) return 'good'
  return Date.parse(expiresAt) <= nowMs ? `expired ${expiresAt}` : `good until ${expiresAt}`
}
