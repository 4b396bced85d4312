import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { basename, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CliError, messageOf } from './cli-error.ts'

/** Where an error comes from, as far as it can be told. */
export interface LoadContext {
  readonly cwd: string
  readonly entry: string
  /** The file that was loaded last before the error. */
  readonly lastLoaded: string | undefined
}

/** Says in one line why the user's module did not load: the file and line, the reason, what to do. */
export function explainLoadError(error: unknown, context: LoadContext): CliError {
  const message = loadMessage(error, context)
  return new CliError(message, { cause: error })
}

function loadMessage(error: unknown, context: LoadContext): string {
  if (!(error instanceof Error)) {
    return `${shown(context.entry, context)} threw ${JSON.stringify(error) ?? String(error)} while loading`
  }
  const code = 'code' in error ? error.code : undefined
  if (code === 'ERR_MODULE_NOT_FOUND') return missingModuleMessage(error, context)
  const place = placeOf(error, context)
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return (
      `${place}: ${messageOf(error)}: Node runs TypeScript by removing the types, ` +
      'so write enums, namespaces and parameter properties as plain objects and fields'
    )
  }
  if (error instanceof ReferenceError && /ES module scope/.test(error.message)) {
    return `${place}: ${error.message}: use import and "export default server"`
  }
  return `${place}: ${error.name}: ${messageOf(error)}`
}

function missingModuleMessage(error: Error, context: LoadContext): string {
  const [, kind, name = '', importer = context.entry] =
    /^Cannot find (package|module) '([^']+)'(?: imported from (.+?))?(?:\s|$)/.exec(
      error.message,
    ) ?? []
  const from = shown(importer, context)
  if (kind === 'package') {
    const packageName = name.startsWith('@')
      ? name.split('/').slice(0, 2).join('/')
      : name.split('/')[0]
    return `${from} imports '${name}', which is not installed: npm install ${packageName}`
  }
  if (kind !== 'module') return `${from}: ${error.message}`
  const typeScript = [name.replace(/\.([cm]?)js$/, '.$1ts'), `${name}.ts`].find(
    (candidate) => candidate !== name && existsSync(candidate),
  )
  if (typeScript !== undefined) {
    return `${from} imports ${shown(name, context)}, but the file is ${basename(typeScript)}: write its .ts ending in the import`
  }
  return `${from} imports ${shown(name, context)}, which does not exist: correct the path`
}

/** `file:line` when it can be found out, otherwise the file. */
function placeOf(error: Error, context: LoadContext): string {
  return (
    placeInHead(error, context) ??
    (error instanceof SyntaxError ? placeOfSyntaxError(context) : undefined) ??
    placeOfFrame(error, context.cwd) ??
    shown(context.entry, context)
  )
}

/** Node puts the position of most syntax errors on the first line of the stack. */
function placeInHead(error: Error, context: LoadContext): string | undefined {
  const [, file, line] =
    /^(file:\/\/\S+|[/\\]\S.*|[A-Za-z]:[/\\].*):(\d+)$/.exec(firstLine(error.stack)) ?? []
  return file === undefined ? undefined : `${shown(asPath(file), context)}:${line}`
}

/** For an ES module V8 tells the line only to whoever prints the error itself: `node --check`. */
function placeOfSyntaxError(context: LoadContext): string | undefined {
  const file = context.lastLoaded
  if (file === undefined) return undefined
  try {
    const source = readFileSync(file, 'utf8')
    const script = /\.[cm]?ts$/.test(file) ? withoutTypes(source) : source
    const check = spawnSync(process.execPath, ['--check', '--input-type=module', '-'], {
      input: script,
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
      timeout: 5_000,
    })
    const line = /^\[stdin\]:(\d+)$/m.exec(check.stderr)?.[1]
    return line === undefined ? undefined : `${shown(file, context)}:${line}`
  } catch {
    return undefined
  }
}

function withoutTypes(source: string): string {
  // Node warns that this function may change, which is nothing to the user.
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return stripTypeScriptTypes(source)
  } finally {
    process.emitWarning = emitWarning
  }
}

/** `file:line` of the first frame of a stack that is the user's own. */
export function placeOfFrame(error: Error, cwd: string): string | undefined {
  const ownFolder = fileURLToPath(new URL('..', import.meta.url))
  for (const frame of (error.stack ?? '').split('\n')) {
    const [, file, line] =
      /\(?((?:file:\/\/)?[/A-Za-z][^()]*?):(\d+):\d+\)?$/.exec(frame.trim()) ?? []
    if (file === undefined) continue
    const path = asPath(file.replace(/^at (async )?/, ''))
    if (path.includes('node_modules') || path.startsWith(ownFolder) || !existsSync(path)) continue
    return `${relativeIfInside(path, cwd)}:${line}`
  }
  return undefined
}

function firstLine(text: string | undefined): string {
  return (text ?? '').split('\n', 1)[0] ?? ''
}

function asPath(file: string): string {
  return file.startsWith('file:') ? fileURLToPath(file) : file
}

function shown(file: string, context: LoadContext): string {
  return relativeIfInside(resolve(context.cwd, file), context.cwd)
}

/** A path as people write it: relative where it lies inside the working folder. */
export function relativeIfInside(path: string, cwd: string): string {
  const inside = relative(cwd, path)
  return inside === '' || inside.startsWith('..') ? path : inside
}
