import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** Processor seconds that a process (all its threads) has used since it started. */
export function processSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The command name in parentheses may hold spaces, so counting starts after it: utime and stime
  // are fields 14 and 15 of proc_pid_stat(5), the 12th and 13th of what remains.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Bytes of a process that are in memory. */
export function residentBytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  return Number(kibibytes) * 1024
}

/** Processor seconds that all processes together have used of these cores. */
export function coreSeconds(cores: readonly number[]): number {
  return readFileSync('/proc/stat', 'latin1')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([name]) => cores.some((core) => name === `cpu${core}`))
    .map(([, user, nice, system]) => Number(user) + Number(nice) + Number(system))
    .reduce((sum, ticks) => sum + ticks / ticksPerSecond, 0)
}

/** Established TCP connections whose local end is this port: what the server itself holds open. */
export function establishedConnections(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const established = '01'
  return readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(local) && fields[3] === established).length
}
