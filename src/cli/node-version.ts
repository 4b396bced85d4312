/**
 * What happens when the program is started by a Node that is too old for it. Such a Node reads this
 * file, so it imports nothing but Node's own modules.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** The first major version that runs TypeScript as it is. */
const oldestMajor = 24

/** Whether a version such as `20.11.1` is new enough. */
export function isNewEnough(version: string): boolean {
  return Number.parseInt(version, 10) >= oldestMajor
}

/** The one line for a user whose Node is too old. */
export function tooOldMessage(version: string): string {
  return (
    `tsmcp: Node.js ${oldestMajor} or newer is needed, and this is ${version}: ` +
    `run "npm install --save-dev node@${oldestMajor}" here, or install it from https://nodejs.org`
  )
}

/** The binary of an npm package `node` that is new enough, as seen from one of these folders. */
export function findNewerNode(folders: readonly string[]): string | undefined {
  for (const folder of folders) {
    try {
      const manifest = createRequire(join(folder, 'x.js')).resolve('node/package.json')
      const { version } = JSON.parse(readFileSync(manifest, 'utf8'))
      const binary = join(
        dirname(manifest),
        'bin',
        process.platform === 'win32' ? 'node.exe' : 'node',
      )
      if (isNewEnough(String(version)) && existsSync(binary)) return binary
    } catch {
      // There is no such package there, or it is broken: the next folder may have one.
    }
  }
  return undefined
}

/** Runs the same command line with another Node, in place of this process as far as that goes. */
export function runWith(binary: string, args: readonly string[]): void {
  const child = spawn(binary, args, { stdio: 'inherit' })
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  // A terminal sends Ctrl-C to both; a second SIGINT from here would be the one that forces the end.
  process.on('SIGINT', () => {
    if (process.stdin.isTTY !== true) child.kill('SIGINT')
  })
  endLike(child)
}

function endLike(child: ChildProcess): void {
  child.on('error', (error) => {
    process.stderr.write(`tsmcp: ${error.message}\n`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
