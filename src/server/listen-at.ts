import type { ListenOptions, Server } from 'node:net'

/** Waits until the listener listens. @throws the error of `listen`, for instance EADDRINUSE */
export function listenAt(listener: Server, where: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once('error', reject)
    listener.listen(where, resolve)
  })
}
