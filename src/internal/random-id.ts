import { builtin } from './builtin.ts'

const idBytes = 16
const pool = Buffer.allocUnsafeSlow(idBytes * 512)
let offset = pool.length

/**
 * A cryptographically random 128-bit id as 22 characters of base64url.
 *
 * Random bytes are drawn from the system for 512 ids at a time: one draw an id costs as much as parsing a request.
 */
export function randomId(): string {
  if (offset === pool.length) {
    builtin.crypto.randomFillSync(pool)
    offset = 0
  }
  const id = pool.toString('base64url', offset, offset + idBytes)
  // A used id must not stay readable in memory for as long as the pool lives.
  pool.fill(0, offset, offset + idBytes)
  offset += idBytes
  return id
}
