import { RingBuffer } from './ring-buffer.ts'

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

/** One client's items, by priority. */
interface Lane<Item> {
  readonly rings: (RingBuffer<Item> | undefined)[]
  size: number
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
  readonly #lanes = new Map<unknown, Lane<Item>>()
  readonly #shares: readonly number[]
  /** Of each priority, the lanes that have something of it, in the order of their turns. */
  readonly #turns: readonly RingBuffer<Lane<Item>>[]
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
    this.#turns = shares.map(() => new RingBuffer(capacity))
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
    let ring = lane.rings[priority]
    if (ring === undefined) {
      ring = new RingBuffer(this.#capacityPerClient)
      lane.rings[priority] = ring
    }
    ring.push(item)
    if (ring.size === 1) turns.push(lane)
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
      for (const ring of lane.rings) this.#sweepRing(lane, ring, nowMs, expired)
      if (lane.size === 0) this.#lanes.delete(client)
    }
    this.#dropIdleTurns()
    if (this.#isHigh && this.#size <= this.#lowWater) this.#setHigh(false)
    this.#expired += expired.length
    for (const item of expired) this.#options.onExpired?.(item)
  }

  /** Takes out everything, in no particular order. */
  clear(): Item[] {
    const items = [...this.#lanes.values()].flatMap(({ rings }) =>
      rings.flatMap((ring) => ring?.toArray() ?? []),
    )
    this.#lanes.clear()
    for (const turns of this.#turns) while (turns.shift() !== undefined);
    this.#size = 0
    if (this.#isHigh) this.#setHigh(false)
    return items
  }

  #openLane(client: unknown): Lane<Item> {
    // Lanes that have run empty are kept until the next sweep, but no more of them than there can be items.
    if (this.#lanes.size >= this.capacity) {
      for (const [each, { size }] of this.#lanes) if (size === 0) this.#lanes.delete(each)
    }
    const lane: Lane<Item> = { rings: this.#shares.map(() => undefined), size: 0 }
    if (this.#size < this.capacity) this.#lanes.set(client, lane)
    return lane
  }

  #takeNext(): Item | undefined {
    const priority = this.#nextPriority()
    const turns = this.#turns[priority]
    const lane = turns?.shift()
    const ring = lane?.rings[priority]
    if (turns === undefined || lane === undefined || ring === undefined) return undefined
    const item = ring.shift()
    lane.size--
    this.#size--
    if (ring.size > 0) turns.push(lane)
    return item
  }

  /** The most urgent priority that has something waiting and some of its share left. */
  #nextPriority(): number {
    const turns = this.#turns
    const credit = this.#credit
    let urgent = -1
    for (let priority = 0; priority < turns.length; priority++) {
      if ((turns[priority]?.size ?? 0) === 0) continue
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

  #sweepRing(
    lane: Lane<Item>,
    ring: RingBuffer<Item> | undefined,
    nowMs: number,
    expired: Item[],
  ): void {
    for (let left = ring?.size ?? 0; left > 0; left--) {
      const item = ring?.shift()
      if (item === undefined) continue
      if (nowMs < item.deadlineMs) ring?.push(item)
      else {
        expired.push(item)
        lane.size--
        this.#size--
      }
    }
  }

  /** A lane has a turn in a priority exactly if it has something of it. */
  #dropIdleTurns(): void {
    for (const [priority, turns] of this.#turns.entries()) {
      for (let left = turns.size; left > 0; left--) {
        const lane = turns.shift()
        if (lane !== undefined && (lane.rings[priority]?.size ?? 0) > 0) turns.push(lane)
      }
      turns.trim()
    }
  }

  #setHigh(isHigh: boolean): void {
    this.#isHigh = isHigh
    if (isHigh) this.#options.onHigh?.()
    else this.#options.onLow?.()
  }
}
