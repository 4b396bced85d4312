import { builtin } from '../internal/builtin.ts'
import type { HealthComponent } from '../server/health.ts'

/** Under so much free space, or such a share of all, writing will soon fail. */
const minFreeBytes = 64 * 2 ** 20
const minFreeShare = 0.01

/** How much room there is where a folder is. */
export async function diskHealth(folder: string): Promise<HealthComponent> {
  try {
    const { bavail, blocks, bsize } = await builtin.files.statfs(folder)
    const freeBytes = bavail * bsize
    const freeShare = blocks === 0 ? 1 : bavail / blocks
    const isFull = freeBytes < minFreeBytes || freeShare < minFreeShare
    return {
      status: isFull ? 'failed' : 'ok',
      freeBytes,
      freeShare: Math.round(freeShare * 1000) / 1000,
    }
  } catch {
    return { status: 'failed', reason: 'the folder cannot be looked at' }
  }
}
