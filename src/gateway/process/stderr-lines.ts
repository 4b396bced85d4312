import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { type Rate, spend } from '../../internal/rate.ts'

const maxLineLength = 4096
/** Lines that a process may write; what it writes beyond is counted. */
const rate: Rate = { intervalMs: 20, burst: 200 }

/** Hands on what a process writes to stderr, line by line: not too long ones, and not too many. */
export function readLines(stream: Readable, listener: (line: string) => void): void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  let dueMs = 0
  let dropped = 0
  const tell = (line: string): void => {
    const nextMs = spend(rate, dueMs, Date.now())
    if (nextMs === undefined) {
      dropped += 1
      return
    }
    dueMs = nextMs
    if (dropped > 0) listener(`[${dropped} lines dropped]`)
    dropped = 0
    listener(line.length > maxLineLength ? `${line.slice(0, maxLineLength)}…` : line)
  }
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = lines.pop() ?? ''
    // Of a line without an end only the beginning is kept, and one character that shows it was longer.
    if (rest.length > maxLineLength) rest = rest.slice(0, maxLineLength + 1)
    for (const line of lines) if (line.trim() !== '') tell(line.trimEnd())
  })
  stream.once('end', () => {
    if (rest.trim() !== '') tell(rest.trimEnd())
  })
  stream.on('error', () => {})
}
