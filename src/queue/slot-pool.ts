const smallest = 16

/**
 * Places for items of many short lists: each place knows which comes after it. A list is then two numbers and no array
 * of its own, and the places that were used last are used next, while they are still in the cache.
 */
export class SlotPool<Item> {
  /** Of each place the item and, beside it, the place after: they are wanted together, and come from memory together. */
  #pairs = emptyPairs<Item>(smallest)
  /** The first of the places that are free; 0 when none is, for place 0 is never used. */
  #free = 0
  /** Places from here on have never been used. */
  #fresh = 1

  /** Puts an item into a place that is free. @returns the place, at the end of any list */
  put(item: Item): number {
    let place = this.#free
    if (place !== 0) this.#free = this.#pairs[2 * place + 1] as number
    else {
      if (2 * this.#fresh === this.#pairs.length) this.#grow()
      place = this.#fresh++
    }
    this.#pairs[2 * place] = item
    this.#pairs[2 * place + 1] = 0
    return place
  }

  /** The item in a place that is used. */
  at(place: number): Item {
    return this.#pairs[2 * place] as Item
  }

  /** The place after another; 0 at the end of a list. */
  after(place: number): number {
    return this.#pairs[2 * place + 1] as number
  }

  link(place: number, next: number): void {
    this.#pairs[2 * place + 1] = next
  }

  /** Frees a place. */
  free(place: number): void {
    this.#pairs[2 * place] = undefined
    this.#pairs[2 * place + 1] = this.#free
    this.#free = place
  }

  /** Gives memory back when all places are free. */
  reset(): void {
    this.#free = 0
    this.#fresh = 1
    if (this.#pairs.length > 2 * smallest) this.#pairs = emptyPairs<Item>(smallest)
  }

  #grow(): void {
    const pairs = emptyPairs<Item>(this.#pairs.length)
    for (let index = 0; index < this.#pairs.length; index++) pairs[index] = this.#pairs[index]
    this.#pairs = pairs
  }
}

function emptyPairs<Item>(places: number): (Item | number | undefined)[] {
  return new Array<Item | number | undefined>(2 * places).fill(undefined)
}
