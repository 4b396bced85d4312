import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Batch } from '../../src/storage/messages.ts'
import type { StatementName } from '../../src/storage/statements.ts'
import { WriteQueue, type WriteQueueOptions } from '../../src/storage/write-queue.ts'
import type { Written } from '../../src/storage/writer.ts'

/** A disk that answers when the test says so. */
function makeQueue(options: Partial<WriteQueueOptions> = {}) {
  const batches: Batch[] = []
  const problems: string[] = []
  const recoveries: number[] = []
  let answer: ((answer: Written) => void) | undefined
  const writer = {
    write: (batch: Batch, onWritten: (answer: Written) => void) => {
      batches.push(batch)
      answer = onWritten
    },
  }
  const queue = new WriteQueue(writer, {
    onProblem: ({ message }) => void problems.push(message),
    onRecovered: (forgotten) => void recoveries.push(forgotten),
    ...options,
  })
  const reply = (written: Written): void => {
    const current = answer
    answer = undefined
    assert.ok(current, 'nothing is being written')
    current(written)
  }
  return {
    queue,
    batches,
    problems,
    recoveries,
    keep: (broken: { place: number; message: string }[] = []) => reply({ kind: 'kept', broken }),
    fail: (message = 'disk is full') => reply({ kind: 'failed', message }),
    /** The keys of each batch. */
    keys: () =>
      batches.map((batch) =>
        batch.filter((_, place) => place % 2 === 1).map((values) => values[0]),
      ),
  }
}

/** Notes in which order what is kept. */
function makeNotes() {
  const notes: string[] = []
  return {
    notes,
    note: (name: string) => (problem?: Error) =>
      void notes.push(problem === undefined ? name : `${name}: ${problem.message}`),
  }
}
const seen: StatementName = 'seen'

suite('Group commit', () => {
  test('what is written in one turn is one transaction', async () => {
    const { queue, keys, keep } = makeQueue()
    const { notes, note } = makeNotes()
    for (const key of [1, 2, 3]) queue.write(seen, [key], note(`kept ${key}`))
    assert.deepEqual(keys(), [])
    await turn()
    assert.deepEqual(keys(), [[1, 2, 3]])
    assert.deepEqual(notes, [])
    keep()
    assert.deepEqual(notes, ['kept 1', 'kept 2', 'kept 3'])
  })

  test('what comes while a transaction is under way shares the next', async () => {
    const { queue, keys, keep } = makeQueue()
    const { notes, note } = makeNotes()
    queue.write(seen, [1], note('kept 1'))
    await turn()
    queue.write(seen, [2], note('kept 2'))
    await turn()
    queue.write(seen, [3], note('kept 3'))
    await turn()
    assert.deepEqual(keys(), [[1]])
    keep()
    assert.deepEqual(keys(), [[1], [2, 3]])
    assert.deepEqual(notes, ['kept 1'])
    keep()
    assert.deepEqual(notes, ['kept 1', 'kept 2', 'kept 3'])
  })

  test('whoever waits for all so far is told in turn, and at once when nothing is to be written', async () => {
    const { queue, keep } = makeQueue()
    const { notes, note } = makeNotes()
    queue.whenKept(note('idle'))
    assert.deepEqual(notes, ['idle'])
    queue.write(seen, [1], note('kept 1'))
    queue.whenKept(note('after 1'))
    await turn()
    queue.whenKept(note('still after 1'))
    queue.write(seen, [2])
    queue.whenKept(note('after 2'))
    keep()
    assert.deepEqual(notes, ['idle', 'kept 1', 'after 1', 'still after 1'])
    keep()
    assert.equal(notes.at(-1), 'after 2')
  })

  test('a statement that is against the rules fails alone', async () => {
    const { queue, problems, keep } = makeQueue()
    const { notes, note } = makeNotes()
    queue.writeOrRefuse('openSession', [1], note('1'))
    queue.writeOrRefuse('openSession', [1], note('again'))
    queue.write('openStream', [1, 1, 'null'])
    await turn()
    keep([
      { place: 2, message: 'not unique' },
      { place: 4, message: 'not unique either' },
    ])
    assert.deepEqual(notes, ['1', 'again: not unique'])
    // Whoever wrote what can be refused knows it already.
    assert.deepEqual(problems, ['not unique either'])
    assert.equal(queue.problem, undefined)
  })

  test('closing waits for everything', async () => {
    const { queue, keep, keys } = makeQueue()
    const { notes, note } = makeNotes()
    queue.write(seen, [1], note('1'))
    const closed = queue.close().then(() => notes.push('closed'))
    queue.write(seen, [2], note('2'))
    keep()
    await turn()
    assert.deepEqual(notes, ['1'])
    keep()
    await closed
    assert.deepEqual(notes, ['1', '2', 'closed'])
    assert.deepEqual(keys(), [[1], [2]])
    await queue.close()
  })
})

suite('When writing fails', () => {
  test('what can be refused is refused, the rest is held, and nobody waits', async () => {
    const { queue, problems, fail } = makeQueue()
    const { notes, note } = makeNotes()
    queue.writeOrRefuse('openSession', [1], note('session'))
    queue.write('appendEvent', [2], note('event'))
    queue.whenKept(note('stream'))
    await turn()
    queue.writeOrRefuse('openSession', [3], note('session 3'))
    fail()
    assert.deepEqual(notes, [
      'session: disk is full',
      'event: disk is full',
      'stream: disk is full',
      'session 3: disk is full',
    ])
    assert.deepEqual(problems, ['disk is full'])
    queue.writeOrRefuse('openSession', [4], note('session 4'))
    queue.write('appendEvent', [5], note('event 5'))
    queue.whenKept(note('stream 5'))
    assert.deepEqual(notes.slice(4), [
      'session 4: disk is full',
      'event 5: disk is full',
      'stream 5',
    ])
  })

  test('it is tried again, in order, until it succeeds; then all is as before', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { queue, keys, problems, recoveries, fail, keep } = makeQueue()
    const { notes, note } = makeNotes()
    queue.write('appendEvent', [1])
    queue.writeOrRefuse('openSession', [2], () => {})
    await turn()
    fail()
    queue.write('appendEvent', [3])
    t.mock.timers.tick(1000)
    queue.write('appendEvent', [4])
    fail('still full')
    t.mock.timers.tick(1000)
    assert.deepEqual(keys(), [
      [1, 2],
      [1, 3],
      [1, 3, 4],
    ])
    queue.write('appendEvent', [5])
    keep()
    // Not well before what has come meanwhile is kept as well.
    assert.notEqual(queue.problem, undefined)
    keep()
    assert.deepEqual(keys().at(-1), [5])
    assert.equal(queue.problem, undefined)
    assert.deepEqual([problems, recoveries], [['disk is full'], [0]])
    queue.writeOrRefuse('openSession', [6], note('session'))
    await turn()
    keep()
    assert.deepEqual(notes, ['session'])
  })

  test('only so much is held, the oldest goes, and it is said how much', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { queue, keys, recoveries, fail, keep } = makeQueue({ maxWaiting: 1000 })
    queue.write('appendEvent', [0, 'x'.repeat(300)])
    await turn()
    fail()
    for (const key of [1, 2, 3]) queue.write('appendEvent', [key, 'x'.repeat(300)])
    t.mock.timers.tick(1000)
    assert.deepEqual(keys().at(-1), [2, 3])
    keep()
    assert.deepEqual(recoveries, [2])
  })

  test('closing tries once more, and then gives up', async () => {
    const { queue, keys, fail } = makeQueue()
    queue.write('appendEvent', [1])
    await turn()
    fail()
    const closed = queue.close()
    fail()
    await closed
    assert.deepEqual(keys(), [[1], [1]])
  })
})

suite('When the disk does not keep up', () => {
  test('new things are refused and streams go on, until it has caught up', async () => {
    const { queue, keys, problems, recoveries, keep } = makeQueue({ maxWaiting: 500 })
    const { notes, note } = makeNotes()
    queue.write('appendEvent', [1], note('event 1'))
    await turn()
    queue.writeOrRefuse('openSession', [2, 'x'.repeat(200)], note('session 2'))
    queue.write('appendEvent', [3, 'x'.repeat(300)], note('event 3'))
    const problem = 'the disk does not keep up with what is to be written'
    assert.deepEqual(problems, [problem])
    assert.deepEqual(notes, [`event 1: ${problem}`, `session 2: ${problem}`, `event 3: ${problem}`])
    keep()
    assert.deepEqual(keys(), [[1], [3]])
    keep()
    assert.deepEqual(recoveries, [0])
    assert.equal(queue.problem, undefined)
  })
})
