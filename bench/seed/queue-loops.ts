import { FairQueue } from '../../src/queue/fair-queue.ts'
import { RingBuffer } from '../../src/queue/ring-buffer.ts'
import type { LoopMaker } from './loop.ts'

const batch = 2_000_000
const capacity = 131_072
const clientCount = 1000
const shares = [8, 4, 1]

interface Item {
  readonly deadlineMs: number
}

const ring: LoopMaker = (depth) => {
  const queue = new RingBuffer<Item>(capacity)
  const items = Array.from({ length: 1024 }, (_, deadlineMs) => ({ deadlineMs }))
  const item = (index: number): Item => items[index & 1023] as Item
  for (let index = 1; index < depth; index++) queue.push(item(index))
  return {
    prepare: () => {},
    run: () => {
      let taken = 0
      for (let index = 0; index < batch; index++) {
        queue.push(item(index))
        if (queue.shift() !== undefined) taken++
      }
      if (taken !== batch || queue.size !== depth - 1) throw new Error('items were lost')
      return batch
    },
  }
}

const fair: LoopMaker = (depth) => {
  const queue = new FairQueue<Item>({ capacity, shares })
  const clients = Array.from({ length: clientCount }, (_, index) => ({ client: index }))
  const item: Item = { deadlineMs: Number.MAX_SAFE_INTEGER }
  const add = (index: number) => {
    if (!queue.enqueue(clients[index % clientCount], item, index % shares.length)) {
      throw new Error('the queue was full')
    }
  }
  for (let index = 1; index < depth; index++) add(index)
  return {
    prepare: () => {},
    run: () => {
      let taken = 0
      const operations = batch / 4
      for (let index = 0; index < operations; index++) {
        add(index)
        if (queue.dequeue(index) !== undefined) taken++
      }
      if (taken !== operations || queue.size !== depth - 1) throw new Error('items were lost')
      return operations
    },
  }
}

export const queueLoops = { ring, fair }
