import { McpError } from '../protocol/errors.ts'
import type { Revision } from '../protocol/revisions/index.ts'
import type { JsonObject } from '../protocol/types.ts'
import type { Directory } from '../registry/directory.ts'
import type { ListedKind, Visibility } from './request-guard.ts'
import type { EncodedResult, ResultEncoder } from './result.ts'

/** What some clients see of a list. */
export interface ListView<Item> {
  /** The same for all who see the same. */
  readonly name: string
  readonly includes: (item: Item) => boolean
}

/** Pages of views that are kept. There are as many views as there are sets of roles; pages of the oldest go first. */
const maxViewPages = 1000

/** What a caller sees of a list, of which it may already see no more than `base`. */
export function viewOf<Item>(
  visibility: Visibility | undefined,
  kind: ListedKind,
  nameOf: (item: Item) => string,
  base?: ListView<Item>,
): ListView<Item> | undefined {
  if (visibility === undefined) return base
  return {
    name: base === undefined ? visibility.key : `${base.name} ${visibility.key}`,
    includes: (item) => base?.includes(item) !== false && visibility.includes(kind, nameOf(item)),
  }
}

/**
 * A list that clients page through, `tools/list` and its like: the names of one kind in the registry.
 *
 * Each page is encoded once for each revision and kept as bytes until an item comes or goes.
 */
export class PagedList<Item> {
  readonly #names: Directory<Item>
  readonly #member: string
  readonly #shape: (revision: Revision, item: Item) => JsonObject
  readonly #pageSize: number
  readonly #order: ((a: Item, b: Item) => number) | undefined
  readonly #pages = new Map<string, EncodedResult>()
  readonly #viewPages = new Map<string, EncodedResult>()

  /**
   * @param member - the member of the result that holds the items, for instance `tools`
   * @param order - default: the order in which they came
   */
  constructor(
    names: Directory<Item>,
    member: string,
    pageSize: number,
    shape: (revision: Revision, item: Item) => JsonObject,
    order?: (a: Item, b: Item) => number,
  ) {
    this.#names = names
    this.#member = member
    this.#pageSize = pageSize
    this.#shape = shape
    this.#order = order
    this.onChange(() => {
      this.#pages.clear()
      this.#viewPages.clear()
    })
  }

  get(key: string): Item | undefined {
    return this.#names.get(key)
  }
  values(): Item[] {
    return this.#names.values()
  }
  /** Calls back when an item has come or gone. */
  onChange(listener: () => void): void {
    this.#names.watch((change) => {
      if (change !== 'changed') listener()
    })
  }

  /** @throws TypeError when there is an item of that key */
  add(key: string, item: Item): void {
    if (this.#names.has(key)) throw new TypeError(`There is one already in ${this.#member}: ${key}`)
    this.#names.register(key, item)
  }

  remove(key: string, item: Item): void {
    if (this.#names.get(key) === item) this.#names.unregister(key)
  }

  /**
   * One page, encoded.
   *
   * @param view - what this client sees of the list; default: all of it
   * @throws McpError INVALID_PARAMS for a cursor that is none of this list's
   */
  page(
    encoder: ResultEncoder,
    revision: Revision,
    cursor: unknown,
    view?: ListView<Item>,
  ): EncodedResult {
    if (cursor !== undefined && typeof cursor !== 'string') throw unknownCursor()
    const pages = view === undefined ? this.#pages : this.#viewPages
    const list = view === undefined ? revision.name : `${revision.name}/${view.name}`
    const key = cursor === undefined ? list : `${list} ${cursor}`
    let page = pages.get(key)
    if (page === undefined) {
      page = this.#encode(encoder, revision, this.#seen(view), cursor)
      // Only valid cursors come here, and there are no more of them than pages.
      pages.set(key, page)
      if (pages.size > maxViewPages && view !== undefined) forgetOldest(pages)
    }
    return page
  }

  /** One page of the items and of further ones that are not known in advance; encoded anew each time. */
  pageWith(
    encoder: ResultEncoder,
    revision: Revision,
    cursor: unknown,
    further: readonly Item[],
    view?: ListView<Item>,
  ): EncodedResult {
    return this.#encode(encoder, revision, this.#seen(view, further), cursor)
  }

  #seen(view: ListView<Item> | undefined, further: readonly Item[] = []): Item[] {
    const items = [...this.#names.values(), ...further]
    if (this.#order !== undefined) items.sort(this.#order)
    return view === undefined ? items : items.filter(view.includes)
  }

  #encode(
    encoder: ResultEncoder,
    revision: Revision,
    items: readonly Item[],
    cursor: unknown,
  ): EncodedResult {
    const start = cursor === undefined ? 0 : this.#readCursor(cursor, items.length)
    const end = start + this.#pageSize
    const shaped = items.slice(start, end).map((item) => this.#shape(revision, item))
    const result: JsonObject = { [this.#member]: shaped }
    if (end < items.length) result.nextCursor = writeCursor(this.#member, end)
    return encoder.encodeCacheable(revision, result)
  }

  #readCursor(cursor: unknown, length: number): number {
    let start = -1
    if (typeof cursor === 'string' && cursor.length < 100) {
      try {
        const [member, offset = ''] = atob(cursor).split(' ')
        // Only the one way in which we write a cursor: each accepted one may be kept as a key.
        const isOurs = member === this.#member && /^[1-9]\d{0,8}$/.test(offset)
        if (isOurs && writeCursor(this.#member, Number(offset)) === cursor) start = Number(offset)
      } catch {
        // not base64: not ours
      }
    }
    // The end of a list that has become shorter is still a place in it.
    if (start <= 0 || start % this.#pageSize !== 0 || start > length + this.#pageSize) {
      throw unknownCursor()
    }
    return start
  }
}

function forgetOldest(pages: Map<string, unknown>): void {
  const [oldest] = pages.keys()
  if (oldest !== undefined) pages.delete(oldest)
}

function writeCursor(member: string, offset: number): string {
  return btoa(`${member} ${offset}`)
}

function unknownCursor(): McpError {
  return new McpError('INVALID_PARAMS', 'Invalid params: unknown cursor')
}
