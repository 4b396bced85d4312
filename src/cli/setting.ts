/** One value that the user may set, by a flag or by an environment variable. */
export interface Setting<Value> {
  readonly flag: `--${string}`
  /** What follows the flag in the help; absent for a switch. */
  readonly placeholder?: string
  /** Without prefix: PORT is read from TSMCP_PORT, then from ERLMCP_PORT. More names come after these. */
  readonly variables: readonly string[]
  readonly isRepeatable?: boolean
  readonly default: Value
  /** The default as the help shows it, where the value itself would say little. */
  readonly defaultText?: string
  readonly about: string
  /** Completes the sentence "… is allowed". */
  readonly allowed: string
  /** The value that a text stands for; undefined when it is not allowed. */
  parse(text: string): Value | undefined
}

type Described = { flag: `--${string}`; variables: readonly string[]; about: string }

/** A whole number within bounds. `unit` names what is counted, for the messages. */
export function wholeNumber(
  setting: Described & { default: number; min: number; max: number; placeholder?: string },
): Setting<number> {
  const { min, max } = setting
  return {
    ...setting,
    placeholder: setting.placeholder ?? '<number>',
    allowed: `a whole number from ${min} to ${max}`,
    parse(text) {
      const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
      return value >= min && value <= max ? value : undefined
    },
  }
}

/** One text that must match a pattern. */
export function text(
  setting: Described & {
    default: string
    defaultText?: string
    pattern: RegExp
    placeholder: string
    allowed: string
  },
): Setting<string> {
  return { ...setting, parse: (given) => (setting.pattern.test(given) ? given : undefined) }
}

/** The path of a file or folder. Default: none. */
export function filePath(setting: Described & { defaultText?: string }): Setting<string> {
  return text({
    defaultText: 'none',
    ...setting,
    placeholder: '<file>',
    default: '',
    pattern: /^[^\0]+$/,
    allowed: 'a path',
  })
}

/** Several texts: the flag is repeated, the variable separates them by commas. */
export function textList(
  setting: Described & {
    placeholder: string
    allowed: string
    defaultText: string
    isAllowed: (text: string) => boolean
  },
): Setting<readonly string[]> {
  return {
    ...setting,
    isRepeatable: true,
    default: [],
    parse(given) {
      const parts = given.split(',').map((part) => part.trim())
      return parts.every((part) => part !== '' && setting.isAllowed(part)) ? parts : undefined
    },
  }
}

/** On or off. */
export function toggle(setting: Described): Setting<boolean> {
  return {
    ...setting,
    default: false,
    allowed: 'true, false, 1, 0, yes, no, on or off',
    parse(given) {
      if (/^(true|1|yes|on)$/i.test(given)) return true
      return /^(false|0|no|off)$/i.test(given) ? false : undefined
    },
  }
}
