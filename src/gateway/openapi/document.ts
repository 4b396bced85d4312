import { readFileSync, statSync } from 'node:fs'
import { isJsonObject } from '../../protocol/json-rpc.ts'
import type { JsonObject } from '../../protocol/types.ts'

const maxDocumentBytes = 16 * 1024 * 1024

/**
 * Reads and checks an OpenAPI document, 3.0 or 3.1, in JSON or YAML.
 *
 * @throws TypeError that says what is wrong; what stands elsewhere than in the document is never fetched
 */
export async function readOpenApi(path: string): Promise<OpenApiDocument> {
  const { size } = statSync(path)
  if (size > maxDocumentBytes)
    throw new TypeError(`${path} is larger than ${maxDocumentBytes} bytes`)
  const text = readFileSync(path, 'utf8')
  const root: unknown = /\.json$/i.test(path)
    ? JSON.parse(text)
    : (await import('yaml')).parse(text, { maxAliasCount: 100 })
  if (!isJsonObject(root) || !/^3\.[01]\.\d+$/.test(String(root.openapi))) {
    throw new TypeError(`${path} is no OpenAPI document of version 3.0 or 3.1`)
  }
  const { default: SwaggerParser } = await import('@apidevtools/swagger-parser')
  try {
    // It puts into the document what references lead to; schemas stay short when we do not.
    await SwaggerParser.validate(structuredClone(root) as never, {
      resolve: { external: false },
      dereference: { circular: 'ignore' },
    })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new TypeError(`${path}: ${why.replace(/\s+/g, ' ').slice(0, 500)}`)
  }
  return new OpenApiDocument(root)
}

/** A reference through more references than this leads nowhere. */
const maxHops = 32

/** A valid document, whose references are followed as far as they are needed. */
export class OpenApiDocument {
  readonly root: JsonObject

  constructor(root: JsonObject) {
    this.root = root
  }

  /** Before 3.1, schemas are not quite JSON Schema. */
  get isOld(): boolean {
    return String(this.root.openapi).startsWith('3.0')
  }

  /** An object, or that to which it refers. @throws TypeError for a reference that leads nowhere or elsewhere */
  resolve(value: unknown): JsonObject {
    let found = value
    for (let hop = 0; hop < maxHops; hop++) {
      if (!isJsonObject(found)) return {}
      if (typeof found.$ref !== 'string') return found
      found = this.at(found.$ref)
    }
    throw new TypeError('a reference refers to itself')
  }

  /** What a reference into the document leads to. @throws TypeError */
  at(reference: string): unknown {
    if (!reference.startsWith('#/')) {
      throw new TypeError(`a reference leads out of the document: ${reference}`)
    }
    let value: unknown = this.root
    for (const part of reference.slice(2).split('/')) {
      const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) {
        throw new TypeError(`a reference leads nowhere: ${reference}`)
      }
      value = (value as JsonObject)[key]
    }
    return value
  }
}
