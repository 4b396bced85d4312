import { isJsonObject } from '../../protocol/json-rpc.ts'
import type { CallToolResult } from '../../protocol/types.ts'

const maxAnswerBytes = 8 * 1024 * 1024

/** The answer of an API as the result of a tool. @throws Error for one that is too long */
export async function resultOf(response: Response, uri: string): Promise<CallToolResult> {
  const bytes = await readBytes(response)
  const type = response.headers.get('content-type') ?? ''
  const status = `${response.status} ${response.statusText}`.trim()
  if (!response.ok) {
    const text = isText(type) ? new TextDecoder().decode(bytes) : ''
    const said = text === '' ? status : `${status}\n\n${text}`
    return { content: [{ type: 'text', text: said }], isError: true }
  }
  if (bytes.length === 0) return { content: [{ type: 'text', text: status }] }
  const mimeType = type.split(';')[0]?.trim().toLowerCase() || 'application/octet-stream'
  if (isText(type)) return textResult(new TextDecoder().decode(bytes), mimeType)
  const data = Buffer.from(bytes).toString('base64')
  if (mimeType.startsWith('image/')) return { content: [{ type: 'image', data, mimeType }] }
  if (mimeType.startsWith('audio/')) return { content: [{ type: 'audio', data, mimeType }] }
  return { content: [{ type: 'resource', resource: { uri, mimeType, blob: data } }] }
}

function textResult(text: string, mimeType: string): CallToolResult {
  const content: CallToolResult['content'] = [{ type: 'text', text }]
  if (!/json/.test(mimeType)) return { content }
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? { content, structuredContent: value } : { content }
  } catch {
    return { content }
  }
}

function isText(type: string): boolean {
  return /^text\/|json|xml|javascript|yaml|x-www-form-urlencoded/i.test(type)
}

async function readBytes(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > maxAnswerBytes) {
      throw new Error(`The answer is longer than ${maxAnswerBytes} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
