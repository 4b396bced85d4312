const smallest = 16

/**
 * Places for items of many short lists: each place knows which comes after it. A list is then two numbers and no array
 * of its own, and the places that were used last are used next, while they are still in the cache.
 */
export class SlotPool<Item> {
  #items: (Item | undefined)[] = new Array<Item | undefined>(smallest).fill(undefined)
  #next = new Int32Array(smallest)
  /** The first of the places that are free; 0 when none is, for place 0 is never used. */
  #free = 0
  /** Places from here on have never been used. */
  #fresh = 1

  /** Puts an item into a place that is free. @returns the place, at the end of any list */
  put(item: Item): number {
    let place = this.#free
    if (place !== 0) this.#free = this.#next[place] as number
    else {
      if (this.#fresh === this.#next.length) this.#grow()
      place = this.#fresh++
    }
    this.#items[place] = item
    this.#next[place] = 0
    return place
  }

  /** The item in a place that is used. */
  at(place: number): Item {
    return this.#items[place] as Item
  }

  /** The place after another; 0 at the end of a list. */
  after(place: number): number {
    return this.#next[place] as number
  }

  link(place: number, next: number): void {
    this.#next[place] = next
  }

  /** Frees a place. */
  free(place: number): void {
    this.#items[place] = undefined
    this.#next[place] = this.#free
    this.#free = place
  }

  /** Gives memory back when all places are free. */
  reset(): void {
    this.#free = 0
    this.#fresh = 1
    if (this.#next.length === smallest) return
    this.#items = new Array<Item | undefined>(smallest).fill(undefined)
    this.#next = new Int32Array(smallest)
  }

  #grow(): void {
    const length = this.#next.length * 2
    const next = new Int32Array(length)
    next.set(this.#next)
    this.#next = next
    const items = new Array<Item | undefined>(length).fill(undefined)
    for (let place = 0; place < this.#items.length; place++) items[place] = this.#items[place]
    this.#items = items
  }
}
