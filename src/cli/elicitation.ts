import { createInterface, type Interface } from 'node:readline'
import type { ElicitRequestParams, ElicitResult } from '@modelcontextprotocol/client'
import { harmless, type Io, note } from './io.ts'

type Answer = ElicitResult['action'] | { readonly text: string }
type FieldValue = string | number | boolean | string[]
type Field = Readonly<Record<string, unknown>>

/** Questions are asked one after the other, also when a server sends several at once. */
let previous: Promise<unknown> = Promise.resolve()

/** Asks the person at the terminal what the server wants to know; declines when there is nobody. */
export function answerElicitation(
  params: ElicitRequestParams,
  io: Io,
  signal?: AbortSignal,
): Promise<ElicitResult> {
  if (!io.isInteractive) {
    const where = params.mode === 'url' ? `, at ${params.url}` : ''
    note(io, `the server asks: ${params.message}${where} (declined: no terminal to ask at)`)
    return Promise.resolve({ action: 'decline' })
  }
  const asked = previous.then(() => ask(params, io, signal))
  previous = asked.catch(() => {})
  return asked
}

async function ask(
  params: ElicitRequestParams,
  io: Io,
  signal?: AbortSignal,
): Promise<ElicitResult> {
  const lines = createInterface({ input: io.stdin, output: io.stderr })
  try {
    note(io, `the server asks: ${params.message}  (Ctrl-D declines, Ctrl-C cancels)`)
    const result =
      params.mode === 'url'
        ? await askToOpen(params.url, lines, signal)
        : await askForm(params.requestedSchema, lines, io, signal)
    // The cursor still stands behind the question.
    if (result.action !== 'accept') note(io, '')
    return result
  } finally {
    lines.close()
  }
}

async function askToOpen(
  url: string,
  lines: Interface,
  signal?: AbortSignal,
): Promise<ElicitResult> {
  const answer = await question(lines, `open ${url} in a browser, then press Enter: `, signal)
  return { action: typeof answer === 'string' ? answer : 'accept' }
}

async function askForm(
  schema: { properties: Record<string, unknown>; required?: string[] | undefined },
  lines: Interface,
  io: Io,
  signal?: AbortSignal,
): Promise<ElicitResult> {
  const content: Record<string, FieldValue> = {}
  for (const [name, given] of Object.entries(schema.properties)) {
    const field = given as Field
    const isRequired = schema.required?.includes(name) === true
    for (;;) {
      const answer = await question(lines, `  ${label(name, field, isRequired)}: `, signal)
      if (typeof answer === 'string') return { action: answer }
      const read = readField(answer.text.trim(), field, isRequired)
      if ('problem' in read) {
        note(io, `  ${read.problem}`)
        continue
      }
      if (read.value !== undefined) content[name] = read.value
      break
    }
  }
  return { action: 'accept', content }
}

/** One line, or what the person did instead of answering. */
function question(lines: Interface, prompt: string, signal?: AbortSignal): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>()
  const onClose = (): void => resolve('decline')
  const onCancel = (): void => resolve('cancel')
  lines.once('close', onClose)
  lines.once('SIGINT', onCancel)
  signal?.addEventListener('abort', onCancel, { once: true })
  lines.question(harmless(prompt), (text) => resolve({ text }))
  return promise.finally(() => {
    lines.off('close', onClose)
    lines.off('SIGINT', onCancel)
    signal?.removeEventListener('abort', onCancel)
  })
}

function label(name: string, field: Field, isRequired: boolean): string {
  const choices = choicesOf(field)
  const hints = [
    choices === undefined ? undefined : choices.map(({ value }) => value).join(' | '),
    field.type === 'array' ? 'several: separate by commas' : undefined,
    field.type === 'boolean' ? 'yes or no' : undefined,
    field.default === undefined ? undefined : `default ${String(field.default)}`,
    isRequired || field.default !== undefined ? undefined : 'optional',
  ].filter((hint) => hint !== undefined)
  const title = String(field.title ?? name)
  const description = field.description === undefined ? '' : `, ${String(field.description)}`
  return `${title}${description}${hints.length === 0 ? '' : ` (${hints.join('; ')})`}`
}

type Read = { readonly value: FieldValue | undefined } | { readonly problem: string }

/** What an answer means for a field of the flat schema that elicitation allows. */
export function readField(text: string, field: Field, isRequired: boolean): Read {
  if (text === '') {
    if (field.default !== undefined) return { value: field.default as FieldValue }
    return isRequired ? { problem: 'an answer is needed here' } : { value: undefined }
  }
  switch (field.type) {
    case 'boolean':
      if (/^(y|yes|true|1)$/i.test(text)) return { value: true }
      if (/^(n|no|false|0)$/i.test(text)) return { value: false }
      return { problem: 'yes or no' }
    case 'integer':
    case 'number':
      return readNumber(text, field)
    case 'array':
      return readChoices(text, field)
    default:
      return readText(text, field)
  }
}

function readNumber(text: string, field: Field): Read {
  const value = Number(text)
  if (Number.isNaN(value) || (field.type === 'integer' && !Number.isInteger(value))) {
    return { problem: field.type === 'integer' ? 'a whole number is needed' : 'a number is needed' }
  }
  if (typeof field.minimum === 'number' && value < field.minimum) {
    return { problem: `at least ${field.minimum}` }
  }
  if (typeof field.maximum === 'number' && value > field.maximum) {
    return { problem: `at most ${field.maximum}` }
  }
  return { value }
}

function readText(text: string, field: Field): Read {
  const choices = choicesOf(field)
  if (choices !== undefined) {
    const choice = chosen(text, choices)
    return choice === undefined ? { problem: oneOf(choices) } : { value: choice }
  }
  if (typeof field.minLength === 'number' && text.length < field.minLength) {
    return { problem: `at least ${field.minLength} characters` }
  }
  if (typeof field.maxLength === 'number' && text.length > field.maxLength) {
    return { problem: `at most ${field.maxLength} characters` }
  }
  return { value: text }
}

function readChoices(text: string, field: Field): Read {
  const choices = choicesOf(field) ?? []
  const picked = text.split(',').map((part) => chosen(part.trim(), choices))
  const known = picked.filter((choice) => choice !== undefined)
  if (known.length < picked.length) return { problem: oneOf(choices) }
  if (typeof field.minItems === 'number' && known.length < field.minItems) {
    return { problem: `at least ${field.minItems} of them` }
  }
  if (typeof field.maxItems === 'number' && known.length > field.maxItems) {
    return { problem: `at most ${field.maxItems} of them` }
  }
  return { value: known }
}

interface Choice {
  readonly value: string
  readonly title: string
}

/** The choices of a single or multiple selection, in each of the forms that the revisions know. */
function choicesOf(field: Field): Choice[] | undefined {
  const source = field.type === 'array' ? (field.items as Field | undefined) : field
  if (source === undefined) return undefined
  if (Array.isArray(source.enum)) {
    const names = Array.isArray(source.enumNames) ? source.enumNames : source.enum
    return source.enum.map((value, at) => ({
      value: String(value),
      title: String(names[at] ?? value),
    }))
  }
  const titled = source.oneOf ?? source.anyOf
  if (!Array.isArray(titled)) return undefined
  return (titled as Field[]).map(({ const: value, title }) => ({
    value: String(value),
    title: String(title ?? value),
  }))
}

function chosen(text: string, choices: readonly Choice[]): string | undefined {
  const wanted = text.toLowerCase()
  const isMeant = ({ value, title }: Choice): boolean =>
    value.toLowerCase() === wanted || title.toLowerCase() === wanted
  return choices.find(isMeant)?.value
}

function oneOf(choices: readonly Choice[]): string {
  return `one of: ${choices.map(({ value }) => value).join(', ')}`
}
