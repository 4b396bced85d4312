import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { WatchedFiles } from '../../internal/watched-files.ts'
import type { AuthInfo } from '../../protocol/types.ts'
import { loadCedarPolicy } from './cedar-policy.ts'
import type { LimitsDocument } from './policy-document.ts'
import { PolicyError, readPolicy } from './read-policy.ts'
import { type Authorizer, RolePolicy } from './role-policy.ts'

/** A policy that can be asked. */
export interface Policy {
  readonly authorizer: Authorizer
  readonly limits: LimitsDocument
  /** The grants that a caller has its roles from, and where they stand; none where there are no roles. */
  grantsOf(
    caller: AuthInfo | undefined,
  ): readonly { readonly roles: readonly string[]; readonly place: string }[]
}

/**
 * Reads a policy: YAML or JSON by its own schema, or Cedar for a name that ends in `.cedar`.
 *
 * @throws PolicyError with line and reason; what reading throws
 */
export async function loadPolicy(path: string): Promise<Policy> {
  const text = readFileSync(path, 'utf8')
  const name = basename(path)
  if (path.endsWith('.cedar')) {
    return { authorizer: await loadCedarPolicy(text, name), limits: {}, grantsOf: () => [] }
  }
  const source = readPolicy(text, name)
  const authorizer = new RolePolicy(source)
  return {
    authorizer,
    limits: source.document.limits ?? {},
    grantsOf: (caller) => authorizer.grantsOf(caller),
  }
}

export interface PolicyFileOptions {
  /** Told of each new policy, the first one included. */
  onPolicy: (policy: Policy) => void
  /** Told when the file has changed and is no policy: the one from before goes on. Default: a warning. */
  onError?: (error: unknown) => void
}

/** Follows a policy file: what is saved counts at once, if it is a policy. */
export class PolicyFile {
  readonly #path: string
  readonly #options: PolicyFileOptions
  readonly #watched: WatchedFiles
  #reading: Promise<void> = Promise.resolve()

  private constructor(path: string, options: PolicyFileOptions) {
    this.#path = path
    this.#options = options
    this.#watched = new WatchedFiles(() => void this.reload(), { keepsAlive: false })
  }

  /** @throws what `loadPolicy` throws */
  static async open(path: string, options: PolicyFileOptions): Promise<PolicyFile> {
    const file = new PolicyFile(path, options)
    const startedMs = Date.now()
    options.onPolicy(await loadPolicy(path))
    file.#watched.add([path], startedMs)
    return file
  }

  /** Reads the file again. Never rejects: what is wrong goes to `onError`. */
  reload(): Promise<void> {
    this.#reading = this.#reading.then(async () => {
      try {
        this.#options.onPolicy(await loadPolicy(this.#path))
      } catch (error) {
        const { onError = warn } = this.#options
        onError(error)
      }
    })
    return this.#reading
  }

  close(): void {
    this.#watched.close()
  }
}

function warn(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  const kept = error instanceof PolicyError ? 'is not valid' : 'cannot be read'
  process.emitWarning(`The policy ${kept}, the one from before goes on: ${message}`, {
    code: 'TSMCP_POLICY',
  })
}
