import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command, CommanderError } from 'commander'
import { addAudit } from './audit.ts'
import { addCall } from './call.ts'
import { reportFailure, usageError } from './cli-error.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { addInit } from './init.ts'
import { type Io, note } from './io.ts'
import { addKeys } from './keys.ts'
import { addList } from './list.ts'
import { addLock } from './lock.ts'
import { didYouMean } from './nearest-name.ts'
import { addPolicy } from './policy.ts'
import { addServe } from './serve.ts'
import { commonSettings, environmentNotes, resolveSettings } from './settings.ts'
import { version } from './version.ts'

/** Runs one command line and returns the exit code of the process. */
export async function run(args: readonly string[], io: Io): Promise<ExitCode> {
  let exitCode: ExitCode = 0
  const program = createProgram(io, (code) => {
    exitCode = code
  })
  try {
    for (const line of environmentNotes(io.env)) note(io, `tsmcp: ${line}`)
    await program.parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (error) {
    return reportFailure(withHelpHint(error, program, args), io, reportOptions(args, io))
  }
}

/** The program with all its commands. */
function createProgram(io: Io, finish: (exitCode: ExitCode) => void): Command {
  const program = new Command('tsmcp')
    .description('Serves Model Context Protocol servers, and tries them out.')
    .version(version, '--version', 'print the version')
    .helpOption('--help', 'show help')
    .helpCommand('help [command]', 'show the help of a command')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      // Errors are reported by `run`, in one line.
      writeErr: () => {},
      getOutHelpWidth: () => io.columns ?? 100,
      getOutHasColors: () => false,
    })
    .showSuggestionAfterError()
    .addHelpText('after', footer())
    .argument('[COMMAND]')
    .allowExcessArguments()
  program.usage('COMMAND [options]')
  const context = { io, finish }
  addServe(program, context)
  addCall(program, context)
  addList(program, context)
  addInit(program, context)
  addKeys(program, context)
  addLock(program, context)
  addPolicy(program, context)
  addAudit(program, context)
  for (const command of program.commands) command.allowExcessArguments(false)
  program.action((name: string | undefined) => {
    if (name === undefined) {
      io.stdout.write(program.helpInformation())
      throw usageError('name a command, such as: tsmcp serve server.ts')
    }
    if (/\.(?:[cm]?[jt]s|jsonc?|ya?ml)$/.test(name) && existsSync(resolve(io.cwd, name))) {
      throw usageError(`'${name}' is a file: type tsmcp serve ${name}`)
    }
    const names = program.commands.map((command) => command.name())
    throw usageError(`there is no command '${name}'${didYouMean(name, names)}`)
  })
  return program
}

function footer(): string {
  const codes = exitCodes.map(({ code, meaning }) => `  ${String(code).padEnd(4)} ${meaning}`)
  return `
Examples:
  tsmcp init weather && cd weather && npm install
  tsmcp serve server.ts --watch
  tsmcp list http://127.0.0.1:8080/mcp
  tsmcp call http://127.0.0.1:8080/mcp time '{"timeZone":"Asia/Tokyo"}'

Exit codes:
${codes.join('\n')}

Every option of a command has an environment variable TSMCP_…, and a flag is stronger.
tsmcp COMMAND --help names them.`
}

/** A mistake in the command line: the help of the command it was made in is one step away. */
function withHelpHint(error: unknown, program: Command, args: readonly string[]): unknown {
  if (!(error instanceof CommanderError) || error.exitCode === 0) return error
  const command = program.commands.find((candidate) => candidate.name() === args[0])
  const path = command === undefined ? 'tsmcp' : `tsmcp ${command.name()}`
  const [mistake = '', suggestion] = error.message.replace(/^error: /, '').split('\n')
  if (suggestion !== undefined) {
    return usageError(`${mistake}, ${suggestion.replace(/^\(D/, 'd').replace(/\)$/, '')}`)
  }
  return usageError(`${mistake.replace(/\.$/, '')}: ${path} --help shows what there is`)
}

function reportOptions(args: readonly string[], io: Io): { json: boolean; verbose: boolean } {
  const flags = {
    json: args.includes('--json') || undefined,
    verbose: args.includes('--verbose') || undefined,
  }
  try {
    return resolveSettings(commonSettings, { flags, env: io.env })
  } catch {
    // The value of TSMCP_JSON or TSMCP_VERBOSE may itself be what is reported.
    return { json: flags.json === true, verbose: flags.verbose === true }
  }
}
