import { audio, embeddedResource, image, type Server, text } from '../dist/index.js'
import { redPixelPng, silenceWav } from './samples.ts'

/** The suite looks for each of these keywords, unchanged, in the answer to `tools/list`. */
const keywordSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  // biome-ignore lint/suspicious/noThenProperty: a JSON Schema keyword.
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
}

/** Tools that answer at once, in every revision. */
export function addContentTools(server: Server): void {
  // First on purpose: http-header-validation calls the first listed tool with `{}`.
  server.tool(
    'test_simple_text',
    { description: 'Answers with one text block' },
    () => 'This is a simple text response for testing.',
  )

  server.tool('test_image_content', { description: 'Answers with one image block' }, () =>
    image(redPixelPng, 'image/png'),
  )

  server.tool('test_audio_content', { description: 'Answers with one audio block' }, () =>
    audio(silenceWav, 'audio/wav'),
  )

  server.tool('test_embedded_resource', { description: 'Answers with an embedded resource' }, () =>
    embeddedResource({
      uri: 'test://embedded-resource',
      mimeType: 'text/plain',
      text: 'This is an embedded resource content.',
    }),
  )

  server.tool(
    'test_multiple_content_types',
    { description: 'Answers with text, an image and a resource' },
    () => [
      text('Multiple content types test:'),
      image(redPixelPng, 'image/png'),
      embeddedResource({
        uri: 'test://mixed-content-resource',
        mimeType: 'application/json',
        text: JSON.stringify({ test: 'data', value: 123 }),
      }),
    ],
  )

  server.tool('test_error_handling', { description: 'Always fails' }, () => {
    throw new Error('This tool intentionally returns an error for testing')
  })

  server.tool(
    'json_schema_2020_12_tool',
    { description: 'Tool with JSON Schema 2020-12 features', input: keywordSchema },
    (args) => text(`Called with ${JSON.stringify(args)}`),
  )

  server.tool(
    'test_x_mcp_header',
    {
      description: 'Mirrors its region argument in the header Mcp-Param-Region',
      input: {
        type: 'object',
        properties: {
          region: { type: 'string', 'x-mcp-header': 'Region' },
          level: { type: 'integer' },
        },
      },
    },
    (args) => text(`Called with ${JSON.stringify(args)}`),
  )
}
