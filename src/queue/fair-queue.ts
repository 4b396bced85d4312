import { SlotPool } from './slot-pool.ts'

/** What may wait in a queue: it says itself for how long. */
export interface Waiting {
  /** Milliseconds since 1970 from which on it is no longer wanted. */
  readonly deadlineMs: number
}

export interface FairQueueOptions<Item> {
  /** Items at one time. */
  readonly capacity: number
  /** Items of one client at one time. Default: all. */
  readonly capacityPerClient?: number
  /**
   * How many of each priority are taken in turn while others wait, most urgent first: `[8, 1]` takes eight of
   * priority 0 for each of priority 1. Default `[1]`, one priority.
   */
  readonly shares?: readonly number[]
  /** Told of each item that has waited for too long. */
  readonly onExpired?: (item: Item) => void
  /** As many wait as the high water mark says: the source should pause. Default three quarters of the capacity. */
  readonly onHigh?: () => void
  readonly highWater?: number
  /** No more wait than the low water mark says: the source may go on. Default a quarter of the capacity. */
  readonly onLow?: () => void
  readonly lowWater?: number
}

/** What a queue has done since it was made; plain JSON. */
export interface QueueMetrics {
  readonly depth: number
  readonly peakDepth: number
  readonly clients: number
  readonly taken: number
  readonly refused: number
  readonly expired: number
}

/** What waits of one client and one priority: a list of places, and its place in the order of turns. */
class Turn {
  readonly lane: Lane
  head = 0
  tail = 0
  next: Turn | undefined = undefined

  constructor(lane: Lane) {
    this.lane = lane
  }
}

/** One client's items. */
interface Lane {
  /** By priority. */
  readonly turns: readonly Turn[]
  size: number
}

/** Those who have something of one priority, in the order of their turns. */
class TurnList {
  first: Turn | undefined = undefined
  #last: Turn | undefined = undefined

  push(turn: Turn): void {
    turn.next = undefined
    if (this.#last === undefined) this.first = turn
    else this.#last.next = turn
    this.#last = turn
  }

  shift(): void {
    this.first = this.first?.next
    if (this.first === undefined) this.#last = undefined
  }

  /** The first has had its turn: the others come before it. */
  rotate(turn: Turn): void {
    if (turn === this.#last) return
    this.first = turn.next
    this.push(turn)
  }
}

/**
 * A bounded queue that many clients share. Within a priority they take turns, one item each, so that none can make
 * the others wait by sending more; between priorities the shares decide, so that the less urgent is slowed but never
 * starved. What has waited beyond its deadline is not handed out.
 */
export class FairQueue<Item extends Waiting> {
  readonly capacity: number
  readonly #options: FairQueueOptions<Item>
  readonly #capacityPerClient: number
  readonly #highWater: number
  readonly #lowWater: number
  readonly #lanes = new Map<unknown, Lane>()
  readonly #slots = new SlotPool<Item>()
  readonly #shares: readonly number[]
  /** By priority. */
  readonly #turns: readonly TurnList[]
  /** What each priority may still take before the shares are dealt again. */
  readonly #credit: number[]
  #size = 0
  #isHigh = false
  #peak = 0
  #taken = 0
  #refused = 0
  #expired = 0

  constructor(options: FairQueueOptions<Item>) {
    const { capacity, shares = [1] } = options
    this.capacity = capacity
    this.#options = options
    this.#capacityPerClient = Math.min(options.capacityPerClient ?? capacity, capacity)
    this.#highWater = options.highWater ?? Math.ceil(capacity * 0.75)
    this.#lowWater = options.lowWater ?? Math.floor(capacity * 0.25)
    this.#shares = shares
    this.#credit = [...shares]
    this.#turns = shares.map(() => new TurnList())
  }

  get size(): number {
    return this.#size
  }

  /** From the high water mark on until the low one is reached. */
  get isHigh(): boolean {
    return this.#isHigh
  }

  get metrics(): QueueMetrics {
    return {
      depth: this.#size,
      peakDepth: this.#peak,
      clients: this.#lanes.size,
      taken: this.#taken,
      refused: this.#refused,
      expired: this.#expired,
    }
  }

  /**
   * Adds an item; false when the queue, or the client's part of it, is full.
   *
   * @param client - who takes turns with others: any value, the same one for the same client
   * @param priority - 0 is the most urgent; one of those that have a share
   */
  enqueue(client: unknown, item: Item, priority = 0): boolean {
    const turns = this.#turns[priority]
    if (turns === undefined) throw new RangeError(`There is no priority ${priority}`)
    const lane = this.#lanes.get(client) ?? this.#openLane(client)
    if (this.#size >= this.capacity || lane.size >= this.#capacityPerClient) {
      this.#refused++
      return false
    }
    const turn = lane.turns[priority] as Turn
    const place = this.#slots.put(item)
    if (turn.head === 0) {
      turn.head = place
      turns.push(turn)
    } else this.#slots.link(turn.tail, place)
    turn.tail = place
    lane.size++
    this.#size++
    if (this.#size > this.#peak) this.#peak = this.#size
    if (!this.#isHigh && this.#size >= this.#highWater) this.#setHigh(true)
    return true
  }

  /** Takes the item whose turn it is; undefined when nothing is left that is still wanted. */
  dequeue(nowMs: number): Item | undefined {
    while (this.#size > 0) {
      const item = this.#takeNext()
      if (this.#isHigh && this.#size <= this.#lowWater) this.#setHigh(false)
      if (item === undefined) return undefined
      if (nowMs < item.deadlineMs) {
        this.#taken++
        return item
      }
      this.#expired++
      this.#options.onExpired?.(item)
    }
    return undefined
  }

  /** Takes out what has waited for too long, and forgets clients of which nothing waits. */
  sweep(nowMs: number): void {
    const expired: Item[] = []
    for (const [client, lane] of this.#lanes) {
      for (const turn of lane.turns) this.#sweepTurn(turn, nowMs, expired)
      if (lane.size === 0) this.#lanes.delete(client)
    }
    this.#dropIdleTurns()
    if (this.#isHigh && this.#size <= this.#lowWater) this.#setHigh(false)
    this.#expired += expired.length
    for (const item of expired) this.#options.onExpired?.(item)
  }

  /** Takes out everything, in no particular order. */
  clear(): Item[] {
    const items: Item[] = []
    for (const turns of this.#turns) {
      for (; turns.first !== undefined; turns.shift()) {
        const { head } = turns.first
        for (let place = head; place !== 0; place = this.#slots.after(place)) {
          items.push(this.#slots.at(place))
        }
      }
    }
    this.#lanes.clear()
    this.#slots.reset()
    this.#size = 0
    if (this.#isHigh) this.#setHigh(false)
    return items
  }

  #openLane(client: unknown): Lane {
    // Lanes that have run empty are kept until the next sweep, but no more of them than there can be items.
    if (this.#lanes.size >= this.capacity) {
      for (const [each, { size }] of this.#lanes) if (size === 0) this.#lanes.delete(each)
    }
    const turns: Turn[] = []
    const lane: Lane = { turns, size: 0 }
    for (let priority = 0; priority < this.#shares.length; priority++) turns.push(new Turn(lane))
    if (this.#size < this.capacity) this.#lanes.set(client, lane)
    return lane
  }

  #takeNext(): Item | undefined {
    const priority = this.#nextPriority()
    const turns = this.#turns[priority]
    const turn = turns?.first
    if (turns === undefined || turn === undefined) return undefined
    const slots = this.#slots
    const place = turn.head
    const item = slots.at(place)
    const next = slots.after(place)
    slots.free(place)
    turn.head = next
    turn.lane.size--
    this.#size--
    if (next === 0) turns.shift()
    else turns.rotate(turn)
    return item
  }

  /** The most urgent priority that has something waiting and some of its share left. */
  #nextPriority(): number {
    const turns = this.#turns
    const credit = this.#credit
    let urgent = -1
    for (let priority = 0; priority < turns.length; priority++) {
      if (turns[priority]?.first === undefined) continue
      if (urgent < 0) urgent = priority
      const left = credit[priority] ?? 0
      if (left > 0) {
        credit[priority] = left - 1
        return priority
      }
    }
    for (let priority = 0; priority < credit.length; priority++) {
      credit[priority] = this.#shares[priority] ?? 0
    }
    credit[urgent] = (credit[urgent] ?? 1) - 1
    return urgent
  }

  #sweepTurn(turn: Turn, nowMs: number, expired: Item[]): void {
    const slots = this.#slots
    let last = 0
    let next = 0
    for (let place = turn.head; place !== 0; place = next) {
      next = slots.after(place)
      const item = slots.at(place)
      if (nowMs < item.deadlineMs) {
        last = place
        continue
      }
      if (last === 0) turn.head = next
      else slots.link(last, next)
      slots.free(place)
      expired.push(item)
      turn.lane.size--
      this.#size--
    }
    turn.tail = last
  }

  /** Those have a turn in a priority who have something of it, and no others. */
  #dropIdleTurns(): void {
    for (const turns of this.#turns) {
      let turn = turns.first
      while (turns.first !== undefined) turns.shift()
      while (turn !== undefined) {
        const { next } = turn
        if (turn.head !== 0) turns.push(turn)
        turn = next
      }
    }
    if (this.#size === 0) this.#slots.reset()
  }

  #setHigh(isHigh: boolean): void {
    this.#isHigh = isHigh
    if (isHigh) this.#options.onHigh?.()
    else this.#options.onLow?.()
  }
}
