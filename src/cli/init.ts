import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import type { Command } from 'commander'
import { CliError, messageOf } from './cli-error.ts'
import type { CommandContext } from './command-context.ts'
import { shellQuoted } from './example-arguments.ts'
import type { ExitCode } from './exit-codes.ts'
import { type Io, print } from './io.ts'
import { commanderOption, commonSettings, resolveSettings } from './settings.ts'
import { starterFiles } from './starter-files.ts'

const examples = `
Examples:
  tsmcp init weather   in a new folder
  tsmcp init           in this one

Nothing that exists is overwritten.`

/** Adds `tsmcp init` to the program. */
export function addInit(program: Command, context: CommandContext): void {
  const command = program
    .command('init')
    .summary('write a starter project')
    .description('Writes a project with one tool, one resource and one prompt, ready to serve.')
    .argument('[DIR]', 'the folder to write to', '.')
    .addHelpText('after', examples)
  for (const setting of Object.values(commonSettings)) command.addOption(commanderOption(setting))
  command.action((folder: string, flags: Record<string, unknown>) => {
    const { json } = resolveSettings(commonSettings, { flags, env: context.io.env })
    context.finish(runInit(folder, { json }, context.io))
  })
}

/** Writes the starter project, or nothing at all when a file of it exists. */
function runInit(folder: string, options: { readonly json: boolean }, io: Io): ExitCode {
  const directory = resolve(io.cwd, folder)
  const files = starterFiles(packageName(basename(directory)))
  const inTheWay = Object.keys(files).filter((name) => existsSync(join(directory, name)))
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw new CliError(`${folder} is a file: name a folder, as in tsmcp init my-server`)
  }
  if (inTheWay.length > 0) {
    const names = inTheWay.join(', ')
    throw new CliError(
      `nothing was written, because ${names} would be overwritten: name a new folder, as in tsmcp init my-server`,
    )
  }
  try {
    mkdirSync(directory, { recursive: true })
    for (const [name, content] of Object.entries(files)) {
      // `wx` fails at a file that has appeared in the meantime.
      writeFileSync(join(directory, name), content, { flag: 'wx' })
    }
  } catch (error) {
    throw new CliError(`cannot write to ${folder}: ${messageOf(error)}`, { cause: error })
  }
  const enter =
    directory === resolve(io.cwd) ? [] : [`cd ${shellQuoted(relative(io.cwd, directory))}`]
  const next = [...enter, 'npm install', 'npm run dev']
  if (options.json) {
    print(io, JSON.stringify({ directory, files: Object.keys(files), next }))
    return 0
  }
  print(io, `Wrote ${Object.keys(files).join(', ')}`)
  print(io, 'Next:')
  print(io, `  ${next.join(' && ')}`)
  return 0
}

/** A folder's name made fit to be the name of a package. */
function packageName(folder: string): string {
  const name = folder
    .toLowerCase()
    .replace(/[^a-z0-9._~-]+/g, '-')
    .replace(/^[-._]+|[-._]+$/g, '')
  return name === '' ? 'mcp-server' : name
}
