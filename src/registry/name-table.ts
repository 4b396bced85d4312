/** What stands in the table beside the value: it knows its name. */
export interface Named {
  readonly name: string
  /** Set by the table: the tag of the name, see {@link tagOf}. */
  tag: number
}

const smallest = 16
/** Of the slots, at most: in a fuller table a new name and one that is not there are looked for at too many marks. */
const load = 0.8
/** A table that has become this empty gives memory back. */
const sparse = 0.1

/** A cell has the tag of its name and then the name itself, four characters a word: 32 bytes, half a cache line. */
const cellWords = 8
const longestInCell = (cellWords - 1) * 4
const lengthMask = 31
/** In place of the length, of names that do not fit into a cell. */
const long = 31
/** Set in each tag, so that none is 0, which is an empty cell. */
const occupied = 32

/** Another one in each process, so that nobody outside can know which names collide. */
const seed = Math.trunc(Math.random() * 2 ** 31)
/** The words of the name that was last read by {@link tagOf}. */
const words = new Int32Array(cellWords - 1)

/**
 * A hash table from strings to values, for look-ups of strings that have just come off the wire.
 *
 * A look-up among very many names does little but wait for memory, and `Map` goes there for its bucket, for each name in
 * the bucket's chain and for the entry. Here names of up to 28 Latin-1 characters, which most are, stand in one
 * array, each behind its hash, and one byte of the hash of each in another, so short that it stays in the cache: two
 * trips instead of five, which is what makes it several times as fast at 100,000 names. Longer names are found by their
 * hash and compared as strings.
 *
 * Open addressing with linear probing and without tombstones: names may come and go for ever.
 */
export class NameTable<Value, Item extends Named> {
  #mask = smallest - 1
  /** For each cell a byte of its hash, see {@link markOf}; 0 for an empty one. */
  #marks = new Uint8Array(smallest)
  #cells = new Int32Array(smallest * cellWords)
  /** For each cell the value and, beside it, the item: a look-up that wants the value does not touch the item. */
  #pairs = emptyPairs<Value, Item>(smallest)
  #size = 0

  get size(): number {
    return this.#size
  }

  get(name: string): Value | undefined {
    const slot = this.#slotOf(name, tagOf(name))
    return slot < 0 ? undefined : (this.#pairs[slot * 2] as Value)
  }

  item(name: string): Item | undefined {
    const slot = this.#slotOf(name, tagOf(name))
    return slot < 0 ? undefined : (this.#pairs[slot * 2 + 1] as Item)
  }

  /** Adds an item; false when its name is there already, which is left as it is. */
  add(value: Value, item: Item): boolean {
    const tag = tagOf(item.name)
    if (this.#slotOf(item.name, tag) >= 0) return false
    item.tag = tag
    if (this.#size + 1 > (this.#mask + 1) * load) this.#resize((this.#mask + 1) * 2)
    const slot = this.#freeSlot(tag)
    const cells = this.#cells
    const cell = slot * cellWords
    this.#marks[slot] = markOf(tag)
    cells[cell] = tag
    for (let index = 1; index < cellWords; index++) cells[cell + index] = words[index - 1] ?? 0
    this.#pairs[slot * 2] = value
    this.#pairs[slot * 2 + 1] = item
    this.#size++
    return true
  }

  /** Takes an item away, which must be there. */
  delete(item: Item): void {
    const mask = this.#mask
    const cells = this.#cells
    const marks = this.#marks
    let hole = (item.tag >>> tagShift) & mask
    while (this.#pairs[hole * 2 + 1] !== item) hole = (hole + 1) & mask
    // What follows in the same run moves up, unless it would come before its place.
    for (let slot = (hole + 1) & mask; ; slot = (slot + 1) & mask) {
      if (marks[slot] === 0) break
      const tag = cells[slot * cellWords] ?? 0
      if (((slot - (tag >>> tagShift)) & mask) < ((slot - hole) & mask)) continue
      this.#move(slot, hole)
      hole = slot
    }
    marks[hole] = 0
    this.#pairs[hole * 2] = undefined
    this.#pairs[hole * 2 + 1] = undefined
    this.#size--
    if (mask >= smallest && this.#size < (mask + 1) * sparse) this.#resize((mask + 1) / 4)
  }

  /** The slot of the name whose words have just been read, or -1. */
  #slotOf(name: string, tag: number): number {
    const mask = this.#mask
    const marks = this.#marks
    const cells = this.#cells
    const length = tag & lengthMask
    const wanted = markOf(tag)
    for (let slot = (tag >>> tagShift) & mask; ; slot = (slot + 1) & mask) {
      const mark = marks[slot]
      if (mark === 0) return -1
      if (mark !== wanted || cells[slot * cellWords] !== tag) continue
      if (length === long ? this.#isNamed(slot, name) : this.#holds(slot, length)) return slot
    }
  }

  #isNamed(slot: number, name: string): boolean {
    return (this.#pairs[slot * 2 + 1] as Item).name === name
  }

  #holds(slot: number, length: number): boolean {
    const cells = this.#cells
    const cell = slot * cellWords + 1
    for (let index = 0; index * 4 < length; index++) {
      if (cells[cell + index] !== words[index]) return false
    }
    return true
  }

  #freeSlot(tag: number): number {
    let slot = (tag >>> tagShift) & this.#mask
    while (this.#marks[slot] !== 0) slot = (slot + 1) & this.#mask
    return slot
  }

  #move(from: number, to: number): void {
    const cells = this.#cells
    this.#marks[to] = this.#marks[from] ?? 0
    // A loop: for so few words `copyWithin` takes several times as long.
    for (let index = 0; index < cellWords; index++) {
      cells[to * cellWords + index] = cells[from * cellWords + index] ?? 0
    }
    this.#pairs[to * 2] = this.#pairs[from * 2]
    this.#pairs[to * 2 + 1] = this.#pairs[from * 2 + 1]
  }

  #resize(slots: number): void {
    const marks = this.#marks
    const cells = this.#cells
    const pairs = this.#pairs
    const size = Math.max(slots, smallest)
    this.#mask = size - 1
    this.#marks = new Uint8Array(size)
    this.#cells = new Int32Array(size * cellWords)
    this.#pairs = emptyPairs<Value, Item>(size)
    for (let from = 0; from < marks.length; from++) {
      if (marks[from] === 0) continue
      const cell = from * cellWords
      const slot = this.#freeSlot(cells[cell] ?? 0)
      this.#marks[slot] = marks[from] ?? 0
      this.#cells.set(cells.subarray(cell, cell + cellWords), slot * cellWords)
      this.#pairs[slot * 2] = pairs[from * 2]
      this.#pairs[slot * 2 + 1] = pairs[from * 2 + 1]
    }
  }
}

const tagShift = 6

/** The upper bits of the hash, which say nothing yet of its slot; never 0. */
function markOf(tag: number): number {
  return (tag >>> 24) | 1
}

/** A hash of 26 bits, and in the other bits the length. Leaves the words of a name that fits into a cell in `words`. */
function tagOf(name: string): number {
  const { length } = name
  if (length > longestInCell) return longTagOf(name)
  let hash = seed ^ length
  let all = 0
  let index = 0
  let at = 0
  for (; index + 3 < length; index += 4) {
    const a = name.charCodeAt(index)
    const b = name.charCodeAt(index + 1)
    const c = name.charCodeAt(index + 2)
    const d = name.charCodeAt(index + 3)
    all |= a | b | c | d
    const word = a | (b << 8) | (c << 16) | (d << 24)
    words[at++] = word
    hash = Math.imul(hash ^ word, 0x2c1b3c6d)
    hash ^= hash >>> 15
  }
  if (index < length) {
    let word = 0
    for (let shift = 0; index < length; index++, shift += 8) {
      const code = name.charCodeAt(index)
      all |= code
      word |= code << shift
    }
    words[at] = word
    hash = Math.imul(hash ^ word, 0x2c1b3c6d)
    hash ^= hash >>> 15
  }
  if (all > 0xff) return longTagOf(name)
  hash = Math.imul(hash, 0x297a2d39)
  hash ^= hash >>> 15
  return (hash & ~lengthMask) | occupied | length
}

function longTagOf(name: string): number {
  let hash = seed ^ name.length
  for (let index = 0; index < name.length; index++) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x2c1b3c6d)
    hash ^= hash >>> 15
  }
  return (hash & ~lengthMask) | occupied | long
}

function emptyPairs<Value, Item>(count: number): (Value | Item | undefined)[] {
  return new Array<Value | Item | undefined>(count * 2).fill(undefined)
}
