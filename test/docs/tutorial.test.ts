import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { text as readText } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Block {
  kind: string
  /** `file=server.ts` and the like, after the kind. */
  options: Map<string, string>
  text: string
  line: number
}

test('the tutorial does what it says', { timeout: 120_000 }, async (t) => {
  const blocks = readBlocks(readFileSync(join(root, 'docs/tutorial.md'), 'utf8'))
  const reader = await Reader.start(t)
  for (const block of blocks) await reader.follow(block)
  assert.ok(reader.checked >= 8, `only ${reader.checked} outputs were compared`)
})

/** The fenced blocks of a page that are to be followed: those with a word after the language. */
function readBlocks(page: string): Block[] {
  return [...page.matchAll(/^```\w+ (\w+)(.*)\n([\s\S]*?)^```$/gm)].map((match) => {
    const [, kind = '', options = '', text = ''] = match
    const pairs = options
      .trim()
      .split(/\s+/)
      .map((pair): [string, string] => {
        const [name = '', value = ''] = pair.split('=')
        return [name, value]
      })
    const line = page.slice(0, match.index).split('\n').length
    return { kind, options: new Map(pairs), text, line }
  })
}

/** Somebody who follows the tutorial to the letter, in an empty folder of a temporary one. */
class Reader {
  checked = 0
  #folder: string
  readonly #home: string
  readonly #port: number
  readonly #test: TestContext
  #output = ''
  #server: ChildProcess | undefined

  private constructor(test: TestContext, home: string, port: number) {
    this.#test = test
    this.#home = home
    this.#port = port
    this.#folder = home
  }

  static async start(t: TestContext): Promise<Reader> {
    const home = mkdtempSync(join(tmpdir(), 'tsmcp-tutorial-'))
    t.after(() => rmSync(home, { recursive: true, force: true }))
    // What the registry would answer `npx tsmcp` with.
    linkPackages(home)
    return new Reader(t, home, await freePort())
  }

  async follow(block: Block): Promise<void> {
    this.#test.diagnostic(`line ${block.line}: ${block.kind}`)
    switch (block.kind) {
      case 'run':
        return this.#run(block)
      case 'install':
        assert.equal(block.text.trim(), 'npm install')
        return linkPackages(this.#folder)
      case 'write':
        writeFileSync(join(this.#folder, block.options.get('file') ?? ''), block.text)
        return await this.#typeCheck()
      case 'serve':
        return await this.#serve(block)
      case 'stop':
        return await this.#stop()
      case 'output':
        this.checked += 1
        return assert.equal(comparable(this.#output), comparable(block.text), `line ${block.line}`)
      case 'host':
        return await this.#startAsHost(block)
      default:
        assert.fail(`line ${block.line}: nobody knows how to follow "${block.kind}"`)
    }
  }

  async #run({ text, options, line }: Block): Promise<void> {
    // The folder that a `cd` leads to is the folder of what follows.
    const script = `${this.#withPort(text)}\ncode=$?; pwd >&3; exit $code`
    const child = spawn('sh', ['-c', script], {
      cwd: this.#folder,
      env: this.#environment(),
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    })
    const [output, errors, folder, [exitCode]] = await Promise.all([
      readText(child.stdio[1] as Readable),
      readText(child.stdio[2] as Readable),
      readText(child.stdio[3] as Readable),
      once(child, 'close'),
    ])
    assert.equal(exitCode, Number(options.get('exit') ?? 0), `line ${line}: ${output}${errors}`)
    this.#folder = folder.trim()
    this.#output = exitCode === 0 ? output : errors
  }

  /** The starter project's own settings are strict: what readers are given must satisfy them. */
  async #typeCheck(): Promise<void> {
    const compiler = spawn(join(root, 'node_modules/.bin/tsc'), {
      cwd: this.#folder,
      env: this.#environment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [problems] = await Promise.all([readText(compiler.stdout), once(compiler, 'close')])
    assert.equal(problems, '')
  }

  async #serve({ text, line }: Block): Promise<void> {
    const child = spawn('sh', ['-c', `exec ${this.#withPort(text)}`], {
      cwd: this.#folder,
      env: this.#environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, to be stopped as a terminal stops it.
      detached: true,
    })
    this.#server = child
    this.#test.after(() => {
      const hasEnded = child.exitCode !== null || child.signalCode !== null
      if (!hasEnded && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    })
    const lines: string[] = []
    for await (const printed of createInterface({ input: child.stdout })) {
      lines.push(printed)
      // The last line of the banner says what to type next.
      if (/^ +npx tsmcp call/.test(printed)) break
    }
    this.#output = lines.join('\n')
    assert.ok(lines.length > 0, `line ${line}: nothing was printed`)
  }

  async #stop(): Promise<void> {
    const child = this.#server
    assert.ok(child?.pid !== undefined, 'nothing is being served')
    child.stdout?.resume()
    const errors = readText(child.stderr as Readable)
    // Ctrl-C reaches the whole group.
    process.kill(-child.pid, 'SIGINT')
    this.#output = await errors
  }

  /** Starts the server as a desktop host does that has this configuration. */
  async #startAsHost({ text, options }: Block): Promise<void> {
    const own = text.replaceAll('/path/to/split', this.#folder)
    const { mcpServers } = JSON.parse(own) as {
      mcpServers: Record<string, { command: string; args: string[] }>
    }
    const [server] = Object.values(mcpServers)
    assert.ok(server !== undefined)
    // A host starts it in a folder of the host's.
    const transport = new StdioClientTransport({
      ...server,
      cwd: this.#home,
      env: this.#environment(),
    })
    const client = new Client({ name: 'host', version: '1' })
    await client.connect(transport)
    const { tools } = await client.listTools()
    assert.deepEqual(
      tools.map(({ name }) => name),
      [options.get('tool')],
    )
    await client.close()
  }

  #environment(): Record<string, string> {
    const path = [dirname(process.execPath), process.env.PATH].join(delimiter)
    return {
      ...(process.env as Record<string, string>),
      PATH: path,
      NODE_OPTIONS: '',
      TSMCP_PORT: String(this.#port),
      npm_config_update_notifier: 'false',
      npm_config_offline: 'true',
    }
  }

  #withPort(text: string): string {
    return text.replaceAll('127.0.0.1:8080', `127.0.0.1:${this.#port}`)
  }
}

/** Output as it is compared: the port is whichever was free, and the time goes on. */
function comparable(output: string): string {
  return output
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT')
    .replaceAll(/\d\d:\d\d:\d\d/g, 'HH:MM:SS')
    .trim()
}

/** What `npm install` does, with the package under test in place of a published one. */
function linkPackages(folder: string): void {
  const modules = join(folder, 'node_modules')
  mkdirSync(join(modules, '.bin'), { recursive: true })
  symlinkSync(root, join(modules, 'tsmcp'))
  mkdirSync(join(modules, '@types'))
  for (const name of ['zod', '@types/node']) {
    symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  symlinkSync(join(root, 'dist/cli/main.js'), join(modules, '.bin/tsmcp'))
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  assert.ok(typeof address === 'object' && address !== null)
  return address.port
}
