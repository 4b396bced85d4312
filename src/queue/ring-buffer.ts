const smallest = 16

/**
 * A bounded queue, first in first out, in an array whose length is a power of two.
 *
 * The array grows as it fills and is let go of when a large one has run empty: a queue that nobody uses costs nothing.
 */
export class RingBuffer<Item> {
  readonly capacity: number
  #items: (Item | undefined)[]
  #mask = smallest - 1
  #head = 0
  #size = 0

  /** @param capacity - items at one time; what is pushed beyond is refused */
  constructor(capacity: number) {
    if (!Number.isSafeInteger(capacity) || capacity < 1 || capacity > 2 ** 26) {
      throw new RangeError(`A queue holds from 1 to ${2 ** 26} items, not ${capacity}`)
    }
    this.capacity = capacity
    this.#items = slots<Item>(smallest)
  }

  get size(): number {
    return this.#size
  }

  /** Adds an item at the end; false when the queue is full. */
  push(item: Item): boolean {
    const size = this.#size
    if (size >= this.capacity) return false
    if (size > this.#mask) this.#grow()
    this.#items[(this.#head + size) & this.#mask] = item
    this.#size = size + 1
    return true
  }

  /** Takes the item at the front. */
  shift(): Item | undefined {
    if (this.#size === 0) return undefined
    const head = this.#head
    const item = this.#items[head]
    this.#items[head] = undefined
    this.#head = (head + 1) & this.#mask
    this.#size--
    return item
  }

  /** The item at the front, which stays there. */
  peek(): Item | undefined {
    return this.#items[this.#head]
  }

  /** The items from front to end, as they are now. */
  toArray(): Item[] {
    const items: Item[] = []
    for (let index = 0; index < this.#size; index++) {
      items.push(this.#items[(this.#head + index) & this.#mask] as Item)
    }
    return items
  }

  /** Gives back the memory of a large array that has run empty. */
  trim(): void {
    if (this.#size > 0 || this.#mask < smallest) return
    this.#items = slots<Item>(smallest)
    this.#mask = smallest - 1
    this.#head = 0
  }

  #grow(): void {
    const grown = slots<Item>(this.#items.length * 2)
    for (let index = 0; index < this.#size; index++) {
      grown[index] = this.#items[(this.#head + index) & this.#mask]
    }
    this.#items = grown
    this.#mask = grown.length - 1
    this.#head = 0
  }
}

function slots<Item>(count: number): (Item | undefined)[] {
  return new Array<Item | undefined>(count).fill(undefined)
}
