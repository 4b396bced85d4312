import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Change } from '../../src/registry/directory.ts'
import { Holder } from '../../src/registry/holder.ts'
import { defineKind } from '../../src/registry/kind.ts'
import { Registry } from '../../src/registry/registry.ts'
import { runs } from '../support/fuzz.ts'

const toolKind = defineKind<{ title: string }>('tool', {
  describe: ({ title }) => ({ title }),
})
const tool = (title: string) => ({ title })

function makeRegistry() {
  const errors: unknown[] = []
  return { registry: new Registry((error) => errors.push(error)), errors }
}

test('a unique name stands for one thing until it is unregistered', () => {
  const tools = makeRegistry().registry.of(toolKind)
  const forecast = tool('Forecast')
  const entry = tools.register('forecast', forecast)
  assert.equal(tools.get('forecast'), forecast)
  assert.equal(tools.find('forecast'), entry)
  assert.throws(() => tools.register('forecast', tool('Other')), /already: tool forecast/)
  assert.equal(tools.get('forecast'), forecast)
  assert.equal(tools.unregister('forecast'), true)
  assert.equal(tools.unregister('forecast'), false)
  assert.equal(tools.get('forecast'), undefined)
  tools.register('forecast', tool('Again'))
  // An old entry has no power over the name's new owner.
  entry.unregister()
  assert.equal(tools.get('forecast')?.title, 'Again')
})

test('any number may join the group of a name, beside a unique name of the same letters', () => {
  const tools = makeRegistry().registry.of(toolKind)
  const [first, second] = [tool('first'), tool('second')]
  const entry = tools.join('weather', first)
  tools.join('weather', second)
  assert.equal(tools.get('weather'), undefined)
  tools.register('weather', tool('unique'))
  assert.deepEqual(tools.members('weather'), [first, second])
  assert.equal(tools.size, 3)
  entry.unregister()
  entry.unregister()
  assert.deepEqual(tools.members('weather'), [second])
  assert.equal(tools.size, 2)
  assert.deepEqual(tools.members('unknown'), [])
})

test('when a holder goes away, its names of all kinds go at once, and no others', () => {
  const { registry } = makeRegistry()
  const tools = registry.of(toolKind)
  const prompts = registry.of(defineKind<string>('prompt'))
  const [upstream, other] = [new Holder('upstream'), new Holder('other')]
  tools.register('a', tool('A'), upstream)
  tools.register('b', tool('B'), other)
  tools.register('c', tool('C'), upstream)
  tools.join('group', tool('D'), upstream)
  prompts.register('p', 'P', upstream)
  const gone: string[] = []
  registry.watch((change, { name }) => gone.push(`${change} ${name}`))
  tools.find('c')?.monitor((reason) => gone.push(reason))
  tools.unregister('a')
  upstream.end()
  assert.deepEqual(gone, [
    'unregistered a',
    'holder ended',
    'unregistered c',
    'unregistered group',
    'unregistered p',
  ])
  assert.deepEqual(tools.values(), [{ title: 'B' }])
  assert.equal(prompts.size, 0)
  upstream.end()
  assert.equal(upstream.hasEnded, true)
  assert.throws(() => tools.register('late', tool('L'), upstream), /upstream has ended/)
  assert.equal(tools.get('late'), undefined)
})

test('a monitor is told once, with the reason, and at once of an entry that is gone already', () => {
  const tools = makeRegistry().registry.of(toolKind)
  const told: string[] = []
  const entry = tools.register('a', tool('A'))
  const stopped = () => told.push('must not be told')
  entry.monitor((reason) => told.push(`first ${reason}`))
  entry.monitor(stopped)
  entry.monitor((reason) => told.push(`second ${reason}`))
  entry.demonitor(stopped)
  entry.unregister()
  entry.unregister()
  assert.deepEqual(told, ['first unregistered', 'second unregistered'])
  entry.monitor((reason) => told.push(`late ${reason}`))
  assert.equal(told.at(-1), 'late unregistered')
  const other = tools.register('b', tool('B'))
  other.monitor(stopped)
  other.demonitor(stopped)
  other.unregister()
  assert.equal(told.length, 3)
})

test('watchers are told of what comes, changes and goes, by kind and by prefix, until they stop', () => {
  const { registry } = makeRegistry()
  const tools = registry.of(toolKind)
  const all: string[] = []
  const some: string[] = []
  const stopAll = registry.watch((change, entry) =>
    all.push(`${change} ${entry.kind} ${entry.name}`),
  )
  const stopSome = tools.watch((change, { name }) => some.push(`${change} ${name}`), 'eu/')
  tools.register('eu/forecast', tool('F'))
  tools.register('us/forecast', tool('F'))
  tools.find('eu/forecast')?.set('version', 2)
  registry.of(defineKind<number>('port')).register('eu/http', 80)
  stopSome()
  tools.unregister('eu/forecast')
  stopAll()
  tools.unregister('us/forecast')
  registry.of(defineKind<number>('later')).register('x', 1)
  assert.deepEqual(some, ['registered eu/forecast', 'changed eu/forecast'])
  assert.deepEqual(all, [
    'registered tool eu/forecast',
    'registered tool us/forecast',
    'changed tool eu/forecast',
    'registered port eu/http',
    'unregistered tool eu/forecast',
  ])
})

test('what watchers and monitors throw is reported and stops nothing', () => {
  const { registry, errors } = makeRegistry()
  const tools = registry.of(toolKind)
  let told = 0
  tools.watch(() => {
    throw new Error('watcher')
  })
  tools.watch(() => told++)
  const entry = tools.register('a', tool('A'))
  entry.monitor(() => {
    throw new Error('monitor')
  })
  entry.unregister()
  assert.equal(told, 2)
  assert.deepEqual(errors.map(String), ['Error: watcher', 'Error: monitor', 'Error: watcher'])
})

test('a watcher may register, unregister, watch and stop watching while it is told', () => {
  const tools = makeRegistry().registry.of(toolKind)
  const told: string[] = []
  const stop = tools.watch((change, { name }) => {
    told.push(`${change} ${name}`)
    if (name !== 'a' || change !== 'registered') return
    tools.register('b', tool('B'))
    tools.unregister('a')
    stop()
    tools.watch((late, each) => told.push(`late ${late} ${each.name}`))
  })
  tools.register('a', tool('A'))
  tools.unregister('b')
  assert.deepEqual(told, ['registered a', 'registered b', 'unregistered a', 'late unregistered b'])
})

test('a kind has no more names, watchers, monitors and properties than it may', () => {
  const { registry } = makeRegistry()
  const few = registry.of(defineKind<number>('few', { maxNames: 2 }))
  few.register('a', 1)
  const member = few.join('b', 2)
  assert.throws(() => few.register('c', 3), RangeError)
  assert.throws(() => few.join('b', 3), RangeError)
  member.unregister()
  const entry = few.register('c', 3)
  for (let index = 0; index < 32; index++) entry.set(`property ${index}`, index)
  entry.set('property 3', true)
  assert.throws(() => entry.set('one more', 1), RangeError)
  for (let index = 0; index < 1000; index++) entry.monitor(() => {})
  assert.throws(() => entry.monitor(() => {}), RangeError)
  for (let index = 0; index < 1000; index++) few.watch(() => {})
  assert.throws(() => few.watch(() => {}), RangeError)
  assert.throws(() => registry.of(defineKind<string>('few')), /another kind named few/)
})

test('a snapshot shows names, holders and properties, bounded, and of secrets only the beginning', () => {
  const { registry } = makeRegistry()
  const tools = registry.of(toolKind)
  tools.register('forecast', tool('Forecast'), new Holder('weather')).set('calls', 3)
  tools.join('rain', tool('Rain'))
  const sessions = registry.of(defineKind<number>('session', { hasSecretNames: true }))
  sessions.register('abcdefghijklmnop', 1)
  sessions.register('abcdefgzzzzzzzzz', 2)
  assert.deepEqual(JSON.parse(JSON.stringify(registry.snapshot())), [
    {
      kind: 'tool',
      size: 2,
      maxNames: 1_000_000,
      entries: [
        {
          name: 'forecast',
          isShared: false,
          holder: 'weather',
          properties: { title: 'Forecast', calls: 3 },
        },
        { name: 'rain', isShared: true, properties: { title: 'Rain' } },
      ],
      isComplete: true,
    },
    {
      kind: 'session',
      size: 2,
      maxNames: 1_000_000,
      entries: [
        { name: 'abcdef…', isShared: false, properties: {} },
        { name: 'abcdef…', isShared: false, properties: {} },
      ],
      isComplete: true,
    },
  ])
  const [only] = registry.snapshot({ kind: 'tool', prefix: 'r', limit: 1 })
  assert.deepEqual(
    only?.entries.map(({ name }) => name),
    ['rain'],
  )
  const [first] = registry.snapshot({ kind: 'tool', limit: 1 })
  assert.equal(first?.entries.length, 1)
  assert.equal(first?.isComplete, false)
  // A prefix longer than what is shown does not tell one secret from the other.
  assert.equal(registry.snapshot({ kind: 'session', prefix: 'abcdefg' })[0]?.entries.length, 2)
  assert.deepEqual(registry.counts(), { tool: 2, session: 2 })
  assert.equal(registry.size, 4)
})

type Step =
  | { does: 'register' | 'join'; name: number; holder: number }
  | { does: 'unregister'; name: number }
  | { does: 'leave'; index: number }
  | { does: 'end'; holder: number }

test('a registry does what a simple model of it does, whatever comes, goes and ends', () => {
  const small = fc.nat(7)
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ does: fc.constantFrom('register', 'join'), name: small, holder: small }),
    fc.record({ does: fc.constant('unregister'), name: small }),
    fc.record({ does: fc.constant('leave'), index: fc.nat(50) }),
    fc.record({ does: fc.constant('end'), holder: small }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const { registry, errors } = makeRegistry()
      const numbers = registry.of(defineKind<number>('number'))
      const holders = Array.from({ length: 8 }, (_, index) => new Holder(`holder ${index}`))
      let model: { name: string; value: number; holder: number; isUnique: boolean }[] = []
      const entries: { value: number; unregister: () => void }[] = []
      const watched = new Set<number>()
      const monitored: number[] = []
      numbers.watch((change: Change, { value }) => {
        if (change === 'registered') watched.add(value)
        else watched.delete(value)
      })
      for (const [value, each] of steps.entries()) {
        if (each.does === 'register' || each.does === 'join') {
          const name = `n${each.name}`
          const holder = holders[each.holder]!
          const isUnique = each.does === 'register'
          const isTaken = isUnique && model.some((other) => other.isUnique && other.name === name)
          if (isTaken || holder.hasEnded) {
            assert.throws(() => numbers[each.does](name, value, holder), TypeError)
          } else {
            const entry = numbers[each.does](name, value, holder)
            entry.monitor(() => monitored.push(value))
            entries.push(entry)
            model.push({ name, value, holder: each.holder, isUnique })
          }
        } else if (each.does === 'unregister') {
          const name = `n${each.name}`
          const found = model.find((other) => other.isUnique && other.name === name)
          assert.equal(numbers.unregister(name), found !== undefined)
          model = model.filter((other) => other !== found)
        } else if (each.does === 'leave') {
          const entry = entries[each.index % Math.max(entries.length, 1)]
          entry?.unregister()
          model = model.filter(({ value: other }) => other !== entry?.value)
        } else {
          holders[each.holder]?.end()
          model = model.filter(({ holder }) => holder !== each.holder)
        }
        const unique = model.filter(({ isUnique }) => isUnique)
        assert.deepEqual(
          numbers.values(),
          unique.map((other) => other.value),
        )
        assert.equal(numbers.size, model.length)
        for (let index = 0; index < 8; index++) {
          const name = `n${index}`
          assert.equal(numbers.get(name), unique.find((other) => other.name === name)?.value)
          assert.deepEqual(
            numbers.members(name),
            model
              .filter((other) => !other.isUnique && other.name === name)
              .map((other) => other.value),
          )
        }
        assert.deepEqual([...watched].sort(), model.map((other) => other.value).sort())
        assert.equal(monitored.length, entries.length - model.length)
        assert.equal(new Set(monitored).size, monitored.length)
      }
      assert.deepEqual(errors, [])
    }),
    runs(300),
  )
})
