import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type ServeHttpOptions, serveHttp } from '../../src/http.ts'
import type { Servable } from '../../src/index.ts'
import type { AuthInfo } from '../../src/protocol/types.ts'
import { auditSignerOf, openSecurity, type SecurityOptions } from '../../src/security.ts'
import { temporaryFolder } from './folder.ts'
import { HttpClient } from './http.ts'

export interface SecuredOptions {
  policy?: string
  audit?: Partial<SecurityOptions['audit']>
  http?: ServeHttpOptions
  limits?: SecurityOptions['limits']
  /** Callers by the token that they bring. Default: everybody may call. */
  callers?: Record<string, AuthInfo>
}

/** A server on its own port behind a guard, and a client of it; closed at the end of the test. */
export async function serveSecured(t: TestContext, server: Servable, options: SecuredOptions = {}) {
  const folder = temporaryFolder(t)
  const policyPath = join(folder, 'policy.yaml')
  if (options.policy !== undefined) writeFileSync(policyPath, options.policy)
  const directory = join(folder, 'audit')
  const security = await openSecurity({
    ...(options.policy !== undefined && { policy: policyPath }),
    ...(options.limits && { limits: options.limits }),
    ...(options.audit && {
      audit: {
        directory,
        signer: auditSignerOf(join(folder, 'key.pem')),
        sync: false,
        ...options.audit,
      },
    }),
  })
  const { callers } = options
  const listener = await serveHttp(server, {
    port: 0,
    drainMs: 0,
    guard: security.guard,
    ...(callers && {
      authenticate: ({ getHeader }) => callers[getHeader('authorization')?.slice(7) ?? ''],
    }),
    ...options.http,
  })
  t.after(async () => {
    await listener.close()
    await security.close()
  })
  return {
    client: new HttpClient(t, listener.port),
    port: listener.port,
    url: listener.url,
    policyPath,
    directory,
    /** Closes everything and gives the records of the log. */
    records: async (): Promise<Record<string, unknown>[]> => {
      await listener.close()
      await security.close()
      return readdirSync(directory)
        .filter((name) => name.endsWith('.jsonl'))
        .sort()
        .flatMap((name) => readFileSync(join(directory, name), 'utf8').trimEnd().split('\n'))
        .map((line) => JSON.parse(line))
    },
  }
}
