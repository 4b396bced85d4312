import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { AuthInfo } from '../index.ts'
import { decide } from '../security/policy/decide.ts'
import { loadPolicy, type Policy } from '../security/policy/policy-file.ts'
import { policySchema } from '../security/policy/policy-schema.ts'
import { PolicyError } from '../security/policy/read-policy.ts'
import { CliError, messageOf, usageError } from './cli-error.ts'
import type { CommandContext } from './command-context.ts'
import { print } from './io.ts'
import { commanderOption, commonSettings, resolveSettings, serveSettings } from './settings.ts'

const examples = `
Examples:
  tsmcp policy check policy.yaml
  tsmcp policy explain --as alice tools/call weather.forecast
  tsmcp policy explain --as bob --scope weather:read --claim groups=ops resources/read docs://readme
  tsmcp policy schema > policy.schema.json

explain ends with 0 when it is allowed and with 1 when it is denied.`

const defaultFile = 'policy.yaml'

/** Adds `tsmcp policy` to the program. */
export function addPolicy(program: Command, context: CommandContext): void {
  const { io } = context
  const policy = program
    .command('policy')
    .summary('check a policy, and ask it')
    .description('Policies: who may do what with a server.')
    .addHelpText('after', examples)

  withCommon(policy.command('check <FILE>').description('say whether a file is a policy')).action(
    async (file: string, flags: object) => {
      const { json } = common(flags)
      let problems: readonly string[] = []
      try {
        await loadPolicy(resolve(io.cwd, file))
      } catch (error) {
        if (!(error instanceof PolicyError)) throw new CliError(messageOf(error), { cause: error })
        problems = error.problems
      }
      if (json) print(io, JSON.stringify({ valid: problems.length === 0, problems }))
      else if (problems.length === 0) print(io, `${file} is a valid policy`)
      else for (const problem of problems) print(io, problem)
      context.finish(problems.length === 0 ? 0 : 1)
    },
  )

  withCommon(
    policy
      .command('explain <METHOD> [NAME]')
      .description('say whether a caller may do something, and by which rule')
      .addOption(commanderOption({ ...serveSettings.policy, defaultText: defaultFile }))
      .option('--as <subject>', 'who calls (default: nobody, without credentials)')
      .option('--issuer <url>', 'who issued the token of the caller')
      .option('--scope <scope>', 'scope of the caller; repeatable', collect)
      .option('--claim <name=value>', 'claim of the caller; repeatable', collect)
      .option('--key <name>', 'name of the API key')
      .option('--certificate <subject>', 'subject of the client certificate'),
  ).action(async (method: string, name: string | undefined, flags: ExplainFlags) => {
    const { json } = common(flags)
    const { policy: given } = resolveSettings(
      { policy: serveSettings.policy },
      { flags: { ...flags }, env: io.env },
    )
    const loaded = await load(resolve(io.cwd, given === '' ? defaultFile : given))
    const caller = callerOf(flags)
    const decision = decide(loaded.authorizer, caller, method, name)
    if (json) print(io, JSON.stringify(decision))
    else {
      const what = name === undefined ? method : `${method} ${name}`
      print(
        io,
        `${decision.allowed ? 'allowed' : 'denied'}: ${caller?.subject ?? 'nobody'} ${what}`,
      )
      print(io, `  by ${decision.rule}`)
      for (const { roles, place } of loaded.grantsOf(caller)) {
        print(io, `  ${place}: has ${roles.length === 1 ? 'role' : 'roles'} ${roles.join(', ')}`)
      }
    }
    context.finish(decision.allowed ? 0 : 1)
  })

  policy
    .command('schema')
    .description('print the JSON Schema of policy files')
    .action(() => {
      print(io, JSON.stringify(policySchema, undefined, 2))
      context.finish(0)
    })

  for (const command of policy.commands) command.allowExcessArguments(false)

  function withCommon(command: Command): Command {
    for (const setting of Object.values(commonSettings)) command.addOption(commanderOption(setting))
    return command
  }
  function common(flags: object) {
    return resolveSettings(commonSettings, { flags: { ...flags }, env: io.env })
  }
}

interface ExplainFlags {
  readonly as?: string
  readonly issuer?: string
  readonly scope?: string[]
  readonly claim?: string[]
  readonly key?: string
  readonly certificate?: string
}

async function load(path: string): Promise<Policy> {
  try {
    return await loadPolicy(path)
  } catch (error) {
    throw new CliError(messageOf(error), { cause: error })
  }
}

function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value]
}

function callerOf({ as, issuer, ...more }: ExplainFlags): AuthInfo | undefined {
  const { scope, claim, key, certificate } = more
  if (as === undefined) {
    const other = [issuer, scope, claim, key, certificate].some((each) => each !== undefined)
    if (other) throw usageError('say who it is, too, by --as')
    return undefined
  }
  const claims: Record<string, unknown> = {}
  for (const each of claim ?? []) {
    const equals = each.indexOf('=')
    if (equals <= 0) throw usageError(`--claim is '${each}', but only name=value is allowed`)
    const name = each.slice(0, equals)
    const before = Object.hasOwn(claims, name) ? [claims[name]].flat() : []
    claims[name] = [...before, each.slice(equals + 1)]
  }
  if (key !== undefined) claims.api_key = { id: '', name: key }
  return {
    subject: as,
    ...(issuer !== undefined && { issuer }),
    scopes: scope ?? [],
    claims,
    ...(certificate !== undefined && {
      certificate: {
        subject: certificate,
        altNames: [],
        commonName: undefined,
        thumbprint: '',
        expiresAt: 0,
      },
    }),
  }
}
