import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { suite, test } from 'node:test'
import { limitedCommand } from '../../src/gateway/process/limited-command.ts'
import { readLines } from '../../src/gateway/process/stderr-lines.ts'

suite('what a process writes to stderr', () => {
  /** The lines that are told of these chunks. */
  async function linesOf(chunks: readonly (string | Buffer)[]): Promise<string[]> {
    const stream = new PassThrough()
    const lines: string[] = []
    readLines(stream, (line) => lines.push(line))
    for (const chunk of chunks) stream.write(chunk)
    stream.end()
    await new Promise((resolve) => stream.once('close', resolve))
    return lines
  }

  test('is told line by line, however it is cut into pieces', async () => {
    const euro = Buffer.from('€')
    const chunks = ['one\ntw', 'o\r\n\n  \n', euro.subarray(0, 1), euro.subarray(1), '\nlast']
    assert.deepEqual(await linesOf(chunks), ['one', 'two', '€', 'last'])
  })

  test('is cut where a line is too long, also one without an end', async () => {
    const [line = '', next] = await linesOf([...Array(100).fill('x'.repeat(1000)), '\nnext\n'])
    assert.equal(line, `${'x'.repeat(4096)}…`)
    assert.equal(next, 'next')
  })

  test('is dropped where it is too much', async () => {
    const lines = await linesOf([Array(10_000).fill('again\n').join('')])
    assert.ok(lines.length >= 200 && lines.length < 1000, String(lines.length))
  })
})

suite('the limits of a process', () => {
  const line = { command: 'server', args: ['--x'] }

  test('are set before it becomes the command', () => {
    const limited = limitedCommand(line, { memoryMb: 64, cpuSeconds: 5, openFiles: 32 })
    assert.match(limited?.command ?? '', /\/prlimit$/)
    assert.deepEqual(limited?.args, [
      '--data=67108864',
      '--cpu=5',
      '--nofile=32',
      '--',
      'server',
      '--x',
    ])
  })

  test('change nothing where there are none, and are missed where nothing can set them', () => {
    assert.deepEqual(limitedCommand(line, {}, ''), line)
    assert.equal(limitedCommand(line, { openFiles: 32 }, '/nonexistent'), undefined)
  })
})
