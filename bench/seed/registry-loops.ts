import { Holder } from '../../src/registry/holder.ts'
import { defineKind } from '../../src/registry/kind.ts'
import { Registry } from '../../src/registry/registry.ts'
import type { LoopMaker } from './loop.ts'

const batch = 100_000
const holderCount = 100
const kind = defineKind<object>('tool')

/** Gives names as they come off the wire: each time a new string, its hash not known yet. */
class Names {
  readonly #bytes: Buffer
  readonly #length: number

  constructor(size: number, make: (index: number) => string) {
    this.#length = make(0).length
    this.#bytes = Buffer.alloc(size * this.#length)
    for (let index = 0; index < size; index++) {
      this.#bytes.write(make(index), index * this.#length, 'latin1')
    }
  }

  fresh(index: number): string {
    const start = index * this.#length
    return this.#bytes.toString('latin1', start, start + this.#length)
  }
}

const digits = (index: number) => String(index).padStart(6, '0')

/** A registry as a busy one is: each name has a holder and a monitor, and two watchers look on. */
function makeRegistry(size: number) {
  const registry = new Registry((error) => {
    throw error
  })
  const tools = registry.of(kind)
  const told = { count: 0 }
  const monitor = () => {
    told.count++
  }
  registry.watch(() => {
    told.count++
  })
  tools.watch(() => {
    told.count++
  }, 'server-1')
  const holders = Array.from({ length: holderCount }, (_, index) => new Holder(`server-${index}`))
  const names = new Names(size, (index) => `server-${index % 10}/tool-${digits(index)}`)
  const register = (name: string, index: number) => {
    tools.register(name, { index }, holders[index % holderCount]).monitor(monitor)
  }
  for (let index = 0; index < size; index++) register(names.fresh(index), index)
  return { tools, names, register, told, holders, monitor }
}

/** A random order, and the same one in each run. */
function shuffled(size: number): Uint32Array {
  const order = Uint32Array.from({ length: size }, (_, index) => index)
  let random = 12_345
  for (let index = size - 1; index > 0; index--) {
    random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fffffff
    const other = random % (index + 1)
    const value = order[index] ?? 0
    order[index] = order[other] ?? 0
    order[other] = value
  }
  return order
}

const lookUp: LoopMaker = (size) => {
  const { tools, names } = makeRegistry(size)
  const order = shuffled(size)
  let fresh: string[] = []
  return {
    prepare: () => {
      fresh = Array.from({ length: batch }, (_, index) => names.fresh(order[index % size] ?? 0))
    },
    run: () => {
      let found = 0
      for (const name of fresh) if (tools.get(name) !== undefined) found++
      if (found !== batch) throw new Error(`${batch - found} names were not found`)
      return batch
    },
  }
}

const registerAndUnregister: LoopMaker = (size) => {
  const { tools, register, told } = makeRegistry(size)
  const others = new Names(batch, (index) => `other-${index % 10}/tool-${digits(index)}`)
  let coming: string[] = []
  let going: string[] = []
  return {
    prepare: () => {
      coming = Array.from({ length: batch }, (_, index) => others.fresh(index))
      going = Array.from({ length: batch }, (_, index) => others.fresh(index))
    },
    run: () => {
      const before = told.count
      for (let index = 0; index < batch; index++) {
        register(coming[index] ?? '', index)
        tools.unregister(going[index] ?? '')
      }
      // Its monitor, and a watcher twice.
      if (told.count - before !== batch * 3) throw new Error('not everybody was told')
      return batch
    },
  }
}

const watch: LoopMaker = (size) => {
  const { tools, told } = makeRegistry(size)
  for (let index = 0; index < 98; index++) {
    tools.watch(
      () => {
        told.count++
      },
      `watched-${index % 10}/`,
    )
  }
  const others = new Names(1000, (index) => `watched-${index % 10}/tool-${digits(index)}`)
  return {
    prepare: () => {},
    run: () => {
      const before = told.count
      for (let index = 0; index < 1000; index++) {
        tools.register(others.fresh(index), tools)
        tools.unregister(others.fresh(index))
      }
      return told.count - before
    },
  }
}

const holderEnds: LoopMaker = (size) => {
  const { tools, told, monitor } = makeRegistry(0)
  const names = new Names(size, (index) => `server-${index % 10}/tool-${digits(index)}`)
  let holder = new Holder('upstream')
  return {
    prepare: () => {
      holder = new Holder('upstream')
      for (let index = 0; index < size; index++) {
        tools.register(names.fresh(index), holder, holder).monitor(monitor)
      }
    },
    run: () => {
      const before = told.count
      holder.end()
      if (tools.size > 0 || told.count === before) throw new Error('not all names are gone')
      return size
    },
  }
}

export const registryLoops = { lookUp, registerAndUnregister, watch, holderEnds }
