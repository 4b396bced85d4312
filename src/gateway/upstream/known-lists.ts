import type { Peer } from '../../client/peer.ts'
import {
  type Catalogue,
  type CatalogueList,
  emptyCatalogue,
  readCatalogue,
  readList,
} from './catalogue.ts'

/** What an upstream needs to keep its lists true. */
interface ListsHost {
  /** Who is asked; undefined while nobody is there. */
  peer(): Peer | undefined
  changed(): void
  failed(error: unknown): void
}

/** The lists of one upstream, read when it is first there and again whenever it says that they have changed. */
export class KnownLists {
  readonly #host: ListsHost
  readonly #signal: AbortSignal
  readonly #stale = new Set<CatalogueList>()
  #catalogue: Catalogue | undefined
  #isReading = false

  constructor(host: ListsHost, signal: AbortSignal) {
    this.#host = host
    this.#signal = signal
  }

  get isKnown(): boolean {
    return this.#catalogue !== undefined
  }

  /** As far as it is known: nothing before it was there once. */
  get catalogue(): Catalogue {
    return this.#catalogue ?? emptyCatalogue
  }

  /** @throws McpError */
  async learn(peer: Peer): Promise<void> {
    this.#catalogue = await readCatalogue(peer, this.#signal)
  }

  /** Reads these lists again. Changes that are told meanwhile are seen afterwards. */
  reread(lists: readonly CatalogueList[]): void {
    if (lists.length === 0 || this.#catalogue === undefined) return
    for (const list of lists) this.#stale.add(list)
    if (!this.#isReading) void this.#read()
  }

  async #read(): Promise<void> {
    this.#isReading = true
    try {
      while (this.#stale.size > 0) {
        const peer = this.#host.peer()
        if (peer === undefined) return
        const names = [...this.#stale]
        this.#stale.clear()
        const read: Partial<Record<CatalogueList, object[]>> = {}
        for (const name of names) read[name] = await readList(peer, name, this.#signal)
        this.#catalogue = { ...this.catalogue, ...read } as Catalogue
        this.#host.changed()
      }
    } catch (error) {
      this.#host.failed(error)
    } finally {
      this.#isReading = false
    }
  }
}
