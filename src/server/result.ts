import { encodeResult, resultHead } from '../protocol/json-rpc.ts'
import { metaKey } from '../protocol/meta.ts'
import { type Revision, revisions } from '../protocol/revisions/index.ts'
import { shapeImplementation } from '../protocol/shape.ts'
import type { Implementation, JsonObject, RequestId } from '../protocol/types.ts'

/** Longer results are copied as bytes rather than encoded again for each response. */
const bytesFrom = 4096
const tail = Buffer.from('}')

/** A result that has become JSON, to be sent in any number of responses. */
export class EncodedResult {
  readonly #json: string
  readonly #bytes: Buffer | undefined

  constructor(json: string) {
    this.#json = json
    if (json.length >= bytesFrom) this.#bytes = Buffer.from(json)
  }

  /** The response to one request. */
  response(id: RequestId): string | Uint8Array {
    if (this.#bytes === undefined) return encodeResult(id, this.#json)
    return Buffer.concat([Buffer.from(resultHead(id)), this.#bytes, tail])
  }
}

/** Lifetime and audience of cacheable results (2026-07-28, server/utilities/caching). */
export interface CacheHints {
  readonly ttlMs: number
  readonly cacheScope: 'public' | 'private'
}

/** Writes results as the revision wants them: with `resultType`, the server's name and caching hints, or without. */
export class ResultEncoder {
  readonly #serverInfo: Implementation
  readonly #cacheHints: CacheHints
  /** The members that a revision puts on every result, as JSON to be spliced in: most results need no second look. */
  readonly #suffixes: ReadonlyMap<Revision, string>

  constructor(serverInfo: Implementation, cacheHints: CacheHints) {
    this.#serverInfo = serverInfo
    this.#cacheHints = cacheHints
    this.#suffixes = new Map(
      revisions.map((revision) => [
        revision,
        revision.resultType
          ? JSON.stringify({ resultType: 'complete', _meta: this.#meta(revision) }).slice(1)
          : '',
      ]),
    )
  }

  /** JSON text of a result. @throws TypeError when it cannot be JSON */
  encode(revision: Revision, result: object): string {
    const suffix = this.#suffixes.get(revision) ?? ''
    if (suffix === '') return JSON.stringify(result)
    if ('_meta' in result || 'resultType' in result) {
      return JSON.stringify({
        resultType: 'complete',
        ...result,
        _meta: { ...this.#meta(revision), ...('_meta' in result && (result._meta as JsonObject)) },
      })
    }
    const json = JSON.stringify(result)
    return json === '{}' ? `{${suffix}` : `${json.slice(0, -1)},${suffix}`
  }

  /** A result that may be cached by its receiver, to be kept and sent again. */
  encodeCacheable(revision: Revision, result: JsonObject): EncodedResult {
    return new EncodedResult(this.encode(revision, this.withCacheHints(revision, result)))
  }

  withCacheHints(revision: Revision, result: JsonObject): JsonObject {
    return revision.cacheHints ? { ...result, ...this.#cacheHints } : result
  }

  /** The server's name and version, with the members that the revision knows. */
  serverInfo(revision: Revision): JsonObject {
    return shapeImplementation(revision, this.#serverInfo)
  }

  #meta(revision: Revision): JsonObject {
    return { [metaKey.serverInfo]: this.serverInfo(revision) }
  }
}
