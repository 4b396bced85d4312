import { type ChildProcess, spawn } from 'node:child_process'

/**
 * Reads `+ GROUP` and `- GROUP` and, once that ends because the gateway has died, ends the process groups that are
 * left. A shell and no Node: it is there for nearly nothing, for as long as the gateway is.
 */
const script = `
groups=" "
while read -r sign group; do
  case "$sign" in
    +) groups="$groups$group " ;;
    -) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
for group in $groups; do kill -s TERM -- "-$group" 2>/dev/null; done
[ "$groups" = " " ] || sleep 1
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
`

/**
 * Sees to it that no upstream outlives a gateway that is killed and cannot end them itself: a process beside it, in a
 * group of its own, that knows their process groups. A process that leaves its group is not found.
 */
export class OrphanGuard {
  readonly #groups = new Set<number>()
  #process: ChildProcess | undefined
  #isClosed = false

  /** Watches over a process group from now on. */
  add(group: number): void {
    this.#groups.add(group)
    if (this.#process === undefined) this.#start()
    else this.#tell('+', group)
  }

  /** The group has ended. */
  remove(group: number): void {
    if (this.#groups.delete(group)) this.#tell('-', group)
  }

  /** Ends the guard; what is still in its care is ended by it. */
  close(): void {
    this.#isClosed = true
    this.#process?.stdin?.end()
    this.#process = undefined
  }

  #start(): void {
    if (process.platform === 'win32' || this.#isClosed) return
    const guard = spawn('/bin/sh', ['-c', script], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { PATH: process.env.PATH ?? '/usr/bin:/bin' },
    })
    this.#process = guard
    // Neither it nor its pipe keeps the gateway alive.
    guard.unref()
    if (guard.stdin !== null && 'unref' in guard.stdin) (guard.stdin as { unref(): void }).unref()
    guard.stdin?.on('error', () => {})
    guard.on('error', () => {})
    guard.once('exit', () => {
      if (this.#process !== guard) return
      this.#process = undefined
      // Somebody has killed it: another takes its place, once.
      if (this.#groups.size > 0 && !this.#isClosed) setTimeout(() => this.#again(), 1000).unref()
    })
    for (const group of this.#groups) this.#tell('+', group)
  }

  #again(): void {
    if (this.#process === undefined) this.#start()
  }

  #tell(sign: '+' | '-', group: number): void {
    this.#process?.stdin?.write(`${sign} ${group}\n`)
  }
}
