import { isJsonObject } from '../protocol/json-rpc.ts'
import type { JsonObject } from '../protocol/types.ts'

/** The trace and span in which something happens. */
export interface TraceIds {
  readonly traceId: string
  readonly spanId: string
}

const traceparent = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}/

/** What a request says of where it comes from. */
interface Carrier {
  readonly params: JsonObject | undefined
  readonly getHeader: ((name: string) => string | undefined) | undefined
}

/** The trace that a request belongs to (W3C Trace Context): by its `_meta`, else by its headers. */
export function claimedTrace({ params, getHeader }: Carrier): TraceIds | undefined {
  const meta = params?._meta
  const given = isJsonObject(meta) ? meta.traceparent : undefined
  const text = typeof given === 'string' ? given : getHeader?.('traceparent')
  const found = text === undefined ? null : traceparent.exec(text)
  return found === null ? undefined : { traceId: found[1] ?? '', spanId: found[2] ?? '' }
}
