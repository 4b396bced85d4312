import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A secret, and where it came from, for messages. */
export interface Secret {
  readonly value: string
  readonly setting: string
  /** The file that it was read from. */
  readonly path?: string
}

type Environment = Readonly<Record<string, string | undefined>>

const maxBytes = 64 * 1024

/**
 * Reads a secret from where secrets belong: `TSMCP_NAME`, the file that `TSMCP_NAME_FILE` names, or the credential
 * `tsmcp-name` of systemd (`$CREDENTIALS_DIRECTORY`). Never from the command line, which every process of the machine
 * can read.
 *
 * @param name - for instance `STATE_SECRET`
 * @returns undefined when it is in none of them
 * @throws TypeError when it is in two of them, or its file is empty or too long; what reading throws
 */
export function readSecret(name: string, env: Environment): Secret | undefined {
  const variable = `TSMCP_${name}`
  const found: Secret[] = []
  const direct = env[variable]
  if (direct !== undefined && direct !== '') found.push({ value: direct, setting: variable })
  const file = env[`${variable}_FILE`]
  if (file !== undefined && file !== '') found.push(fromFile(file, `${variable}_FILE`))
  const directory = env.CREDENTIALS_DIRECTORY
  const credential = `tsmcp-${name.toLowerCase().replaceAll('_', '-')}`
  if (directory !== undefined && existsSync(join(directory, credential))) {
    found.push(fromFile(join(directory, credential), `the credential ${credential}`))
  }
  if (found.length > 1) {
    const settings = found.map(({ setting }) => setting).join(' and ')
    throw new TypeError(`${settings} are given both: leave all but one out`)
  }
  return found[0]
}

function fromFile(path: string, setting: string): Secret {
  const bytes = readFileSync(path)
  if (bytes.length > maxBytes) throw new TypeError(`${setting}: ${path} is too long for a secret`)
  const value = bytes.toString().replace(/\r?\n$/, '')
  if (value === '') throw new TypeError(`${setting}: ${path} is empty`)
  return { value, setting, path }
}

/** Words that stand in examples until someone writes a secret in their place. */
const placeholders =
  /change[-_ ]?(?:me|it|this)|secret|password|passw0rd|default|example|insecure|placeholder|replace[-_ ]?(?:me|this)|your[-_ ]|test|dev(?:elopment)?$|^admin|1234|abcd|qwerty|todo|xxxx/i

/** Whether a secret is one that others know or guess: from an example, too short, or of too few characters. */
export function isWeakSecret(value: string): boolean {
  // Random text of that length may hold a word by accident.
  if (value.length < 40 && placeholders.test(value)) return true
  return value.length < 16 || new Set(value).size < 8
}
