/** Passwords, keys, tokens and payment credentials, as fields, parameters and headers are called. */
const secret = new RegExp(
  [
    'pass ?(?:word|wd|phrase|code)s?',
    '(?:client )?secrets?',
    'credentials?',
    '(?:api|access|private|secret|signing|encryption) ?keys?',
    '(?:access|refresh|auth|bearer|session|id|api|csrf) ?tokens?',
    '(?:credit|debit) ?card(?: ?number)?',
    'card ?number',
    'cvv2?',
    'cvc2?',
  ]
    .map((words) => `\\b${words}$`)
    .join('|'),
)

/** Whether something of this name is most likely a secret: `password`, `apiKey`, `access_token`, `card-number`. */
export function isSecretName(name: string): boolean {
  if (name.length > 200) return false
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[^A-Za-z0-9]+/g, ' ')
    .trim()
    .toLowerCase()
  return words === 'token' || secret.test(words)
}
