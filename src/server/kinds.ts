import type { Socket } from 'node:net'
import { defineKind } from '../registry/kind.ts'
import type { Session } from '../sessions/session.ts'

/** The sessions of a server, on whatever transport; the limit of the store comes before this one. */
export const sessionKind = defineKind<Session>('session', {
  maxNames: 2 ** 24,
  hasSecretNames: true,
  describe: ({ revision, clientInfo, authInfo, lastSeenMs, isIdle }) => ({
    revision: revision.name,
    client: clientInfo?.name ?? '',
    principal: authInfo?.subject ?? '',
    lastSeenMs,
    isIdle,
  }),
})

/** The sockets that clients hold open, named by transport and number: `http/17`. */
export const connectionKind = defineKind<Socket>('connection', {
  maxNames: 2 ** 24,
  describe: ({ remoteAddress = '', bytesRead, bytesWritten, writableLength }) => ({
    remoteAddress,
    bytesRead,
    bytesWritten,
    bytesWaiting: writableLength,
  }),
})

/** The servers behind an endpoint. */
export const serverKind = defineKind<{ readonly version: string }>('server', {
  describe: ({ version }) => ({ version }),
})
