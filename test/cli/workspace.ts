import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { after } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const patienceMs = 20_000
const root = fileURLToPath(new URL('../..', import.meta.url))
/** The program as it is published or, without dist-hook, as it is written. */
export const mainFile = join(root, 'src/cli/main.ts')

/** A folder with these files, removed after the tests of the file. Packages of this repository can be imported. */
export function workspace(files: Record<string, string> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'tsmcp-cli-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFiles(folder, files)
  return folder
}

export function writeFiles(folder: string, files: Record<string, string>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** A running `tsmcp`, killed after the tests of the file if it has not ended by then. */
export class CliProcess {
  out = ''
  err = ''
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly exited: Promise<number | NodeJS.Signals>

  constructor(args: readonly string[], options: { cwd: string; env?: Record<string, string> }) {
    this.child = spawn(process.execPath, [mainFile, ...args], {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.child.stdout.on('data', (chunk) => {
      this.out += String(chunk)
    })
    this.child.stderr.on('data', (chunk) => {
      this.err += String(chunk)
    })
    this.exited = new Promise((resolve) => {
      this.child.once('close', (code, signal) => resolve(signal ?? code ?? -1))
    })
    after(() => this.child.kill('SIGKILL'))
  }

  /** Resolves with the match as soon as what was printed has one; rejects when the process ends before. */
  async until(pattern: RegExp, atMostMs = patienceMs): Promise<RegExpExecArray> {
    const hasEnded = Symbol('ended')
    const isLate = Symbol('late')
    const tooLate = setTimeout(atMostMs, isLate, { ref: false })
    for (;;) {
      const match = pattern.exec(this.out + this.err)
      if (match !== null) return match
      const printed = new Promise<void>((resolve) => {
        this.child.stdout.once('data', () => resolve())
        this.child.stderr.once('data', () => resolve())
      })
      const outcome = await Promise.race([printed, this.exited.then(() => hasEnded), tooLate])
      if (outcome === isLate) throw new Error(`not printed: ${pattern}\n${this.out}${this.err}`)
      if (outcome === hasEnded && !pattern.test(this.out + this.err)) {
        throw new Error(`ended without ${pattern}:\n${this.out}${this.err}`)
      }
    }
  }
}

/** Starts `tsmcp serve` on a free port and waits until it listens. */
export async function serving(
  args: readonly string[],
  options: { cwd: string; env?: Record<string, string> },
): Promise<{ cli: CliProcess; url: string }> {
  const cli = new CliProcess(['serve', '--port', '0', ...args], options)
  const [, url = ''] = await cli.until(/(http:\/\/\S+\/mcp)/)
  return { cli, url }
}

/** A server with one of everything, in plain JSON Schema. */
export const weatherServer = `
import { defineServer, toolError } from 'tsmcp'
const server = defineServer({ name: 'weather', version: '1.2.3', instructions: 'Ask for a city.' })
server.tool(
  'forecast',
  {
    description: 'Weather of a city',
    input: { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } }, required: ['city'] },
  },
  ({ city }) => 'Sunny in ' + city,
)
server.tool(
  'measure',
  { description: 'Figures', output: { type: 'object', properties: { degrees: { type: 'number' } }, required: ['degrees'] } },
  () => ({ degrees: 21.5 }),
)
server.tool('fail', { description: 'Always fails' }, () => toolError('no such station'))
server.tool('slow', { description: 'Takes its time' }, async (_args, context) => {
  for (const step of [1, 2, 3]) {
    context.progress(step, 3, 'step ' + step)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return 'done'
})
server.tool('ask', { description: 'Asks back' }, async (_args, context) => {
  const answer = await context.elicit({
    message: 'Which unit?',
    schema: { type: 'object', properties: { unit: { type: 'string', enum: ['celsius', 'kelvin'] } }, required: ['unit'] },
  })
  return JSON.stringify(answer)
})
server.tool('loud', { description: 'Prints' }, () => {
  console.log('printed by the handler')
  process.stdout.write('written by the handler\\n')
  return 'quiet'
})
server.resource('docs://readme', { name: 'readme', description: 'How to', mimeType: 'text/plain' }, () => 'Read me.')
server.resource('docs://logo', { name: 'logo', mimeType: 'image/png' }, () => new Uint8Array([137, 80, 78, 71]))
server.resourceTemplate('city://{name}', { name: 'city', description: 'One city' }, ({ variables }) => 'About ' + variables.name)
server.prompt('compare', { description: 'Compare two', arguments: { a: { required: true }, b: {} } }, ({ a, b }) => 'Compare ' + a + ' and ' + b)
export default server
`
