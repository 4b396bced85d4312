import { homedir } from 'node:os'
import { isSecretName } from '../../protocol/secret-names.ts'
import type { JsonValue } from './json-value.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Names of variables and headers by which secrets go, beyond what fields are called. */
const secretWord =
  /token|secret|passw|pwd|credential|api_?-?key|private_?-?key|authorization|cookie/i

/** A shorter one would be found in everything. */
const minSecretLength = 8

/** What variables of a configuration file stand for, and which of the values are secrets. */
export class Variables {
  readonly #env: Environment
  readonly #folder: string
  /** Values that must not be shown to anybody. */
  readonly secrets = new Set<string>()

  /** @param folder - of the file, which `${workspaceFolder}` stands for */
  constructor(env: Environment, folder: string) {
    this.#env = env
    this.#folder = folder
  }

  /**
   * The text of a value with its variables replaced: `${NAME}`, `${env:NAME}`, `${NAME:-default}`,
   * `${workspaceFolder}`, `${userHome}`.
   *
   * @param name - of what it is the value of, by which a secret is known; `always` for one that is a secret in any case
   * @throws GatewayFileError for a variable that is not set or not known
   */
  expand(value: JsonValue, name = '', isSecret = looksSecret(name)): string {
    const text = value.string().replace(/\$\{([^}]*)\}/g, (_, expression: string) => {
      const found = this.#lookUp(expression, value)
      if (looksSecret(expression)) this.#keep(found)
      return found
    })
    if (isSecret) this.#keep(text)
    return text
  }

  #lookUp(expression: string, value: JsonValue): string {
    if (expression === 'workspaceFolder') return this.#folder
    if (expression === 'userHome') return homedir()
    const [, name, fallback] =
      /^(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(expression) ?? []
    if (name === undefined) {
      return value.fail(
        `has a variable that is not known, \${${expression}}: there are \${NAME}, \${env:NAME}, \${NAME:-default}, \${workspaceFolder} and \${userHome}`,
      )
    }
    return (
      this.#env[name] ??
      fallback ??
      value.fail(`needs the environment variable ${name}, which is not set`)
    )
  }

  #keep(text: string): void {
    if (text.length < minSecretLength) return
    this.secrets.add(text)
    // What is sent as `Bearer abc` may be told as `abc`.
    const [, credentials] = /^\w+ +(\S+)$/.exec(text) ?? []
    if (credentials !== undefined && credentials.length >= minSecretLength) {
      this.secrets.add(credentials)
    }
  }
}

function looksSecret(name: string): boolean {
  return isSecretName(name) || secretWord.test(name)
}
