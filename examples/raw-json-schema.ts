/**
 * Tools described by JSON Schema, without any schema library: what is written here is what clients
 * see, word by word, and what arguments and results are checked against.
 *
 *     tsmcp serve examples/raw-json-schema.ts
 */
import { defineServer } from 'tsmcp'

const server = defineServer({ name: 'shapes', version: '1.0.0' })

server.tool(
  'area',
  {
    description: 'Computes the area of a circle or of a rectangle.',
    annotations: { readOnlyHint: true },
    input: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: { shape: { oneOf: [{ $ref: '#/$defs/circle' }, { $ref: '#/$defs/rectangle' }] } },
      required: ['shape'],
      additionalProperties: false,
      $defs: {
        length: { type: 'number', exclusiveMinimum: 0 },
        circle: {
          type: 'object',
          properties: { radius: { $ref: '#/$defs/length' } },
          required: ['radius'],
          additionalProperties: false,
        },
        rectangle: {
          type: 'object',
          properties: { width: { $ref: '#/$defs/length' }, height: { $ref: '#/$defs/length' } },
          required: ['width', 'height'],
          additionalProperties: false,
        },
      },
    },
    output: {
      type: 'object',
      properties: { area: { type: 'number', minimum: 0 } },
      required: ['area'],
    },
  },
  (args) => {
    // The schema has been checked; TypeScript cannot know what a JSON document says.
    const shape = args.shape as { radius: number } | { width: number; height: number }
    return { area: 'radius' in shape ? Math.PI * shape.radius ** 2 : shape.width * shape.height }
  },
)

export default server
