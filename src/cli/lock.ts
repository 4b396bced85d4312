import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { LockDifference, OfferedTools } from '../gateway/lock/lock-file.ts'
import { CliError, messageOf, usageError } from './cli-error.ts'
import type { CommandContext } from './command-context.ts'
import { type Io, note, print } from './io.ts'
import { findServerFile, gatewayLine, isGatewayFile } from './load-server.ts'
import { commanderOption, commonSettings, resolveSettings } from './settings.ts'

const examples = `
Examples:
  tsmcp lock mcp.json                    approve all tools as they are now
  tsmcp lock mcp.json github files/read  approve those of one upstream, and one of another
  tsmcp lock diff mcp.json               say what is new, changed or gone; ends with 1 if anything is

The lock stands beside the file, as mcp.lock.json: keep it under version control. While there is one,
tsmcp serve holds back every tool that is not in it as it was approved.`

/** Milliseconds for upstreams to start. */
const patienceMs = 60_000

/** Adds `tsmcp lock` to the program. */
export function addLock(program: Command, context: CommandContext): void {
  const { io } = context
  const lock = program
    .command('lock')
    .summary('approve the tools of upstreams, and see what has changed')
    .description('Approves the tools of the servers that an mcp.json names, as they are now.')
    .argument('<FILE>', 'the mcp.json')
    .argument('[NAMES...]', 'only these: upstream, or upstream/tool')
    .addHelpText('after', examples)
  withCommon(lock).action(async (file: string, names: string[], flags: object) => {
    context.finish(await approve(file, names, common(flags), io))
  })
  withCommon(
    lock
      .command('diff <FILE>')
      .description('say how the tools of the upstreams differ from the lock'),
  ).action(async (file: string, _: object, command: Command) => {
    context.finish(await showDifferences(file, common(command.optsWithGlobals()), io))
  })
  for (const command of lock.commands) command.allowExcessArguments(false)

  function withCommon(command: Command): Command {
    for (const setting of Object.values(commonSettings)) command.addOption(commanderOption(setting))
    return command
  }
  function common(flags: object) {
    return resolveSettings(commonSettings, { flags: { ...flags }, env: io.env })
  }
}

interface Common {
  readonly json: boolean
  readonly verbose: boolean
}

async function approve(
  file: string,
  names: readonly string[],
  { json, verbose }: Common,
  io: Io,
): Promise<0 | 1> {
  const { offered, missing, files, locked, lockPath } = await look(file, verbose, io)
  const wanted = names.length === 0 ? undefined : new Set(names)
  const differences = files.compareWithLock(locked, offered).filter((each) => {
    return wanted === undefined || wanted.has(each.upstream) || wanted.has(nameOf(each))
  })
  checkNames(names, offered, missing, locked)
  const next = new Map([...(locked ?? [])].map(([name, tools]) => [name, new Map(tools)]))
  // An upstream that has no tools is known all the same.
  for (const name of offered.keys()) if (!next.has(name)) next.set(name, new Map())
  for (const { upstream, tool, kind } of differences) {
    const tools = next.get(upstream)
    const found = offered.get(upstream)?.find((each) => each.name === tool)
    if (kind === 'gone') tools?.delete(tool)
    else if (found !== undefined) tools?.set(tool, files.toolHash(found))
  }
  files.writeLockFile(lockPath, next)
  if (json) print(io, JSON.stringify({ lock: lockPath, approved: differences, missing }))
  else {
    for (const each of differences) print(io, lineOf(each))
    const count = [...next.values()].reduce((sum, tools) => sum + tools.size, 0)
    print(io, `${lockPath}: ${count} tools are approved`)
  }
  return missing.length === 0 ? 0 : 1
}

async function showDifferences(file: string, { json, verbose }: Common, io: Io): Promise<0 | 1> {
  const { offered, missing, files, locked } = await look(file, verbose, io)
  const differences = files.compareWithLock(locked, offered)
  if (json) print(io, JSON.stringify({ differences, missing }))
  else if (differences.length === 0) print(io, 'all tools are as they were approved')
  else for (const each of differences) print(io, lineOf(each))
  return differences.length === 0 && missing.length === 0 ? 0 : 1
}

/** Starts the upstreams, asks what they offer, and ends them. */
async function look(file: string, verbose: boolean, io: Io) {
  if (!isGatewayFile(file)) {
    throw usageError(`'${file}' is no mcp.json: tools of a server of your own need no lock`)
  }
  const path = findServerFile(file, io.cwd)
  const [{ FileGateway }, lockFile, { toolHash }] = await Promise.all([
    import('../gateway/file-gateway.ts'),
    import('../gateway/lock/lock-file.ts'),
    import('../gateway/lock/lock.ts'),
  ])
  const lockPath = resolve(lockFile.lockPathOf(path))
  try {
    const locked = lockFile.readLockFile(lockPath)
    const served = new FileGateway(path, {
      env: io.env,
      watch: false,
      listWaitMs: patienceMs,
      log: (entry) => {
        const isHeld = /is held back/.test(entry.text)
        const isWrong = entry.level === 'warning' || entry.level === 'error'
        if (verbose || (isWrong && !isHeld)) note(io, gatewayLine(entry))
      },
    })
    try {
      await served.gateway.ready()
      const offered: OfferedTools = served.gateway.tools()
      const { upstreams } = served.gateway.status()
      const missing = upstreams.map(({ name }) => name).filter((name) => !offered.has(name))
      for (const name of missing) note(io, `tsmcp: ${name} could not be asked`)
      return { offered, missing, locked, lockPath, files: { ...lockFile, toolHash } }
    } finally {
      await served.close()
    }
  } catch (error) {
    throw error instanceof CliError ? error : new CliError(messageOf(error), { cause: error })
  }
}

function checkNames(
  names: readonly string[],
  offered: OfferedTools,
  missing: readonly string[],
  locked: ReadonlyMap<string, ReadonlyMap<string, string>> | undefined,
): void {
  for (const name of names) {
    const [upstream = '', ...rest] = name.split('/')
    const tool = rest.join('/')
    const tools = offered.get(upstream)
    const isKnown =
      tools !== undefined &&
      (rest.length === 0 ||
        tools.some((each) => each.name === tool) ||
        locked?.get(upstream)?.has(tool) === true)
    if (isKnown) continue
    const why = missing.includes(upstream) ? 'could not be asked' : 'is none of the file'
    throw usageError(`'${name}' ${why}: name an upstream, or one of its tools as upstream/tool`)
  }
}

function nameOf({ upstream, tool }: LockDifference): string {
  return `${upstream}/${tool}`
}

function lineOf(difference: LockDifference): string {
  return `${difference.kind.padEnd(7)} ${nameOf(difference)}`
}
