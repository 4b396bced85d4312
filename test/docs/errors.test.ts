import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type ErrorCode, errorTable } from '../../src/protocol/errors.ts'
import { revisions } from '../../src/protocol/revisions/index.ts'

const page = readFileSync(new URL('../../docs/reference/errors.md', import.meta.url), 'utf8')
const [main = '', byRevision = ''] = page.split('## By revision')

/** The cells of each row of a table whose first cell is the name of an error. */
const rows = (part: string): string[][] =>
  part
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    )
const codes = Object.keys(errorTable) as ErrorCode[]

test('the reference lists every error, with its number, its status and what it means', () => {
  const listed = rows(main)
  assert.deepEqual(
    listed.map(([name, rpcCode, status]) => [name, rpcCode, status]),
    codes.map((code) => [
      code,
      String(errorTable[code].rpcCode),
      String(errorTable[code].httpStatus),
    ]),
  )
  for (const [name, , , meaning = ''] of listed) assert.match(meaning, /\w{3}.*\.$/, name)
})

test('the reference lists what is different in a revision', () => {
  const expected = revisions.flatMap(({ name, errorCodes, httpStatuses }) =>
    codes.flatMap((code) => {
      const { rpcCode, httpStatus } = errorTable[code]
      const number = errorCodes[code] ?? rpcCode
      const status = httpStatuses[code] ?? httpStatus
      const isSame = number === rpcCode && status === httpStatus
      return isSame ? [] : [[code, name, String(number), String(status)]]
    }),
  )
  assert.deepEqual(rows(byRevision), expected)
})
