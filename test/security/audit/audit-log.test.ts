import assert from 'node:assert/strict'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { AuditEvent } from '../../../src/security/audit/audit-event.ts'
import { AuditLog, type AuditLogOptions } from '../../../src/security/audit/audit-log.ts'
import { csvLine, queryAudit } from '../../../src/security/audit/query.ts'
import { auditSignerOf } from '../../../src/security/audit/signing-key.ts'
import { verifyAudit } from '../../../src/security/audit/verify.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { runs } from '../../support/fuzz.ts'

function optionsIn(folder: string, more: Partial<AuditLogOptions> = {}): AuditLogOptions {
  return {
    directory: join(folder, 'audit'),
    signer: auditSignerOf(join(folder, 'key.pem')),
    sync: false,
    ...more,
  }
}

const request = (index: number, more: Partial<AuditEvent> = {}): AuditEvent => ({
  event: 'request',
  atMs: Date.now(),
  who: `user-${index}`,
  method: 'tools/call',
  object: 'tool:x',
  outcome: 'ok',
  ...more,
})

/** A log of some records, closed. */
async function writtenLog(t: TestContext, count: number, more: Partial<AuditLogOptions> = {}) {
  const folder = temporaryFolder(t)
  const options = optionsIn(folder, more)
  const log = await AuditLog.open(options)
  for (let index = 0; index < count; index++) log.record(request(index))
  await log.close()
  const [name = ''] = readdirSync(options.directory).filter((each) => each.endsWith('.jsonl'))
  return { options, directory: options.directory, path: join(options.directory, name), name }
}

const problemsOf = async (directory: string) => (await verifyAudit(directory)).problems

suite('the audit log', () => {
  test('of many records is found intact, signed as often as promised', async (t) => {
    const { directory } = await writtenLog(t, 2500, { checkpointEvery: 500 })
    const report = await verifyAudit(directory)
    assert.deepEqual(report.problems, [])
    assert.ok(report.records > 2500)
    assert.ok(report.checkpoints >= 5)
  })

  test('goes on where it ended, in one chain', async (t) => {
    const { options, directory } = await writtenLog(t, 3)
    for (let round = 0; round < 3; round++) {
      const log = await AuditLog.open(options)
      log.record(request(round))
      await log.close()
    }
    const report = await verifyAudit(directory)
    assert.deepEqual(report.problems, [])
    assert.equal(report.files, 1)
    assert.equal(report.records, report.lastSeq)
  })

  test('changed in any byte is found not to be intact', async (t) => {
    const { directory, path } = await writtenLog(t, 20)
    const original = readFileSync(path)
    const change = fc.tuple(fc.nat({ max: original.length - 1 }), fc.integer({ min: 1, max: 255 }))
    await fc.assert(
      fc.asyncProperty(change, async ([at, by]) => {
        const changed = Buffer.from(original)
        changed[at] = (changed[at] ?? 0) ^ by
        writeFileSync(path, changed)
        assert.notDeepEqual(await problemsOf(directory), [])
      }),
      { numRuns: Math.min(runs(300).numRuns, 2000) },
    )
    writeFileSync(path, original)
    assert.deepEqual(await problemsOf(directory), [])
  })

  test('with records taken out, doubled, moved or cut off is found not to be intact', async (t) => {
    const { directory, path } = await writtenLog(t, 20)
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    const index = fc.nat({ max: lines.length - 1 })
    const edit = fc.oneof(
      fc
        .tuple(index, fc.integer({ min: 1, max: 4 }))
        .map(([at, count]) => lines.toSpliced(at, count)),
      index.map((at) => lines.toSpliced(at, 0, lines[at] ?? '')),
      fc
        .tuple(index, index)
        .filter(([from, to]) => from !== to)
        .map(([from, to]) => lines.toSpliced(from, 1).toSpliced(to, 0, lines[from] ?? '')),
      index.map((length) => lines.slice(0, length)),
      index.filter((at) => at > 0).map((at) => lines.slice(at)),
    )
    await fc.assert(
      fc.asyncProperty(edit, async (edited) => {
        writeFileSync(path, edited.map((line) => `${line}\n`).join(''))
        assert.notDeepEqual(await problemsOf(directory), [])
      }),
      { numRuns: 200 },
    )
  })

  test('forged with right hashes but without the key is found by its signatures', async (t) => {
    const { directory } = await writtenLog(t, 5)
    const other = temporaryFolder(t)
    const forged = await AuditLog.open(optionsIn(other))
    forged.record(request(1))
    await forged.close()
    const trusted = readFileSync(join(directory, 'audit-public-key.pem'), 'utf8')
    const [first] = (await verifyAudit(join(other, 'audit'), trusted)).problems
    assert.match(first ?? '', /signature is wrong/)
    assert.deepEqual((await verifyAudit(directory, trusted)).problems, [])
  })

  test('whose end is cut off before a restart says so for ever', async (t) => {
    const { options, directory, path } = await writtenLog(t, 20)
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    writeFileSync(
      path,
      lines
        .slice(0, 10)
        .map((line) => `${line}\n`)
        .join(''),
    )
    await (await AuditLog.open(options)).close()
    const [problem] = await problemsOf(directory)
    assert.match(problem ?? '', /records at the end are missing/)
  })

  test('whose last line was torn by a crash goes on, with a note', async (t) => {
    const { options, directory, path } = await writtenLog(t, 3)
    appendFileSync(path, '{"seq":99,"time":"20')
    await (await AuditLog.open(options)).close()
    const report = await verifyAudit(directory)
    assert.deepEqual(report.problems, [])
    assert.match(report.notes[0] ?? '', /20 bytes of a last line were cut away/)
  })

  test('has a file a day, and removes old ones with a record of it', async (t) => {
    const folder = temporaryFolder(t)
    const options = optionsIn(folder, { retentionDays: 2 })
    const log = await AuditLog.open(options)
    const dayMs = 86_400_000
    for (let day = 1; day <= 5; day++) {
      log.record(request(day, { atMs: Date.now() + day * dayMs }))
      await log.flush()
    }
    await log.close()
    const files = readdirSync(options.directory).filter((name) => name.endsWith('.jsonl'))
    assert.equal(files.length, 3)
    const report = await verifyAudit(options.directory)
    assert.deepEqual(report.problems, [])
    assert.ok(report.firstSeq > 1)
    const removed = []
    for await (const record of queryAudit(options.directory, { event: 'removed' }))
      removed.push(record)
    assert.ok(removed.length > 0)
    // A file that is missing without a record of its removal is found.
    rmSync(join(options.directory, files[0] ?? ''))
    assert.match((await problemsOf(options.directory))[0] ?? '', /are missing/)
  })

  test('with a file renamed is found not to be intact', async (t) => {
    const { directory, path } = await writtenLog(t, 3)
    renameSync(path, join(directory, 'audit-2020-01-01.jsonl'))
    assert.match((await problemsOf(directory)).join(), /not the first record/)
  })

  test('is written by one process at a time', async (t) => {
    const { options } = await writtenLog(t, 1)
    // Process 1 always runs.
    writeFileSync(join(options.directory, 'audit.lock'), '1')
    await assert.rejects(AuditLog.open(options), /Process 1 writes to this audit log already/)
    writeFileSync(join(options.directory, 'audit.lock'), '999999999')
    await (await AuditLog.open(options)).close()
    assert.equal(existsSync(join(options.directory, 'audit.lock')), false)
  })

  test('is signed by one key', async (t) => {
    const { options } = await writtenLog(t, 1)
    const signer = auditSignerOf(join(temporaryFolder(t), 'other.pem'))
    await assert.rejects(AuditLog.open({ ...options, signer }), /belongs to another key/)
  })
})

suite('an audit log that cannot be written', () => {
  test('lets no request in whose record would find no place', async (t) => {
    const log = await AuditLog.open(
      optionsIn(temporaryFolder(t), { maxWaiting: 3, flushMs: 60_000 }),
    )
    assert.deepEqual([log.reserve(), log.reserve(), log.reserve()], [true, true, true])
    assert.equal(log.reserve(), false)
    for (const index of [1, 2, 3]) log.recordReserved(request(index))
    assert.equal(log.reserve(), false)
    await log.flush()
    assert.equal(log.reserve(), true)
    log.recordReserved(request(4))
    await log.close()
  })

  test('refuses while the disk fails, and has every record afterwards', async (t) => {
    const folder = temporaryFolder(t)
    const errors: unknown[] = []
    const options = optionsIn(folder, { flushMs: 60_000, onError: (error) => errors.push(error) })
    const log = await AuditLog.open(options)
    // The head cannot be replaced by a file: writing fails after the lines have gone out.
    const head = join(options.directory, 'audit-head.json')
    rmSync(head)
    mkdirSync(join(head, 'in-the-way'), { recursive: true })
    for (let index = 0; index < 10; index++) log.record(request(index))
    await log.flush()
    assert.equal(errors.length, 1)
    assert.equal(log.reserve(), false)
    rmSync(head, { recursive: true })
    for (let index = 10; index < 13; index++) log.record(request(index))
    await log.flush()
    assert.equal(log.reserve(), true)
    log.recordReserved(request(13))
    await log.close()
    assert.deepEqual(await problemsOf(options.directory), [])
    const who = []
    for await (const record of queryAudit(options.directory, { event: 'request' }))
      who.push(record.who)
    assert.deepEqual(
      who,
      Array.from({ length: 14 }, (_, index) => `user-${index}`),
    )
  })

  test('that goes on all the same records how many are missing', async (t) => {
    const options = optionsIn(temporaryFolder(t), {
      maxWaiting: 3,
      flushMs: 60_000,
      onFull: 'continue',
    })
    const log = await AuditLog.open(options)
    for (let index = 0; index < 10; index++) {
      assert.equal(log.reserve(), true)
      log.recordReserved(request(index))
    }
    await log.close()
    const report = await verifyAudit(options.directory)
    assert.deepEqual(report.problems, [])
    assert.match(report.notes[0] ?? '', /7 records were not kept/)
  })

  test('whose last record is damaged does not open', async (t) => {
    const { options, path } = await writtenLog(t, 3)
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, `${text.slice(0, -10)}AAAAAAA"}\n`)
    await assert.rejects(AuditLog.open(options), /damaged: see tsmcp audit verify/)
    truncateSync(path, 0)
    await (await AuditLog.open(options)).close()
    assert.match((await problemsOf(options.directory)).join(), /missing/)
  })
})

suite('searching the log', () => {
  test('finds by who, what, outcome and time', async (t) => {
    const options = optionsIn(temporaryFolder(t))
    const log = await AuditLog.open(options)
    const atMs = Date.now()
    log.record(request(1, { outcome: 'denied', object: 'tool:weather.admin', atMs: atMs - 10 }))
    const issuer = 'https://login.example.com'
    log.record(request(2, { object: 'tool:weather.today', atMs, issuer }))
    await log.close()
    const find = async (query: object) => {
      const found = []
      for await (const { who } of queryAudit(options.directory, { event: 'request', ...query })) {
        found.push(who)
      }
      return found
    }
    assert.deepEqual(await find({ outcome: 'denied' }), ['user-1'])
    assert.deepEqual(await find({ object: 'tool:weather.*' }), ['user-1', 'user-2'])
    assert.deepEqual(await find({ who: '*-2' }), ['user-2'])
    assert.deepEqual(await find({ issuer }), ['user-2'])
    assert.deepEqual(await find({ since: new Date(atMs) }), ['user-2'])
    assert.deepEqual(await find({ until: new Date(atMs - 5) }), ['user-1'])
    assert.deepEqual(await find({ until: new Date(0) }), [])
  })

  test('gives cells that no spreadsheet takes for formulas', () => {
    const record = { seq: 1, time: 't', event: 'request', prev: '', hash: '', who: '=cmd()' }
    assert.match(csvLine(record), /^1,t,request,'=cmd\(\),/)
    assert.match(csvLine({ ...record, who: 'a"b,c' }), /"a""b,c"/)
  })
})
