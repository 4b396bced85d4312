import { embeddedResource, image, type Server, text } from '../dist/index.js'
import { redPixelPng } from './samples.ts'

export function addPrompts(server: Server): void {
  server.prompt(
    'test_simple_prompt',
    { description: 'A prompt without arguments' },
    () => 'This is a simple prompt for testing.',
  )

  server.prompt(
    'test_prompt_with_arguments',
    {
      description: 'A prompt with two required arguments',
      arguments: {
        arg1: {
          description: 'First test argument',
          required: true,
          complete: (value) =>
            ['paris', 'park', 'party', 'test'].filter((word) => word.startsWith(value)),
        },
        arg2: { description: 'Second test argument', required: true },
      },
    },
    ({ arg1, arg2 }) => `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`,
  )

  server.prompt(
    'test_prompt_with_embedded_resource',
    {
      description: 'A prompt that carries a resource',
      arguments: {
        resourceUri: { description: 'The URI of the resource to embed', required: true },
      },
    },
    ({ resourceUri }) => [
      {
        role: 'user',
        content: embeddedResource({
          uri: String(resourceUri),
          mimeType: 'text/plain',
          text: 'Embedded resource content for testing.',
        }),
      },
      { role: 'user', content: text('Please process the embedded resource above.') },
    ],
  )

  server.prompt('test_prompt_with_image', { description: 'A prompt that carries an image' }, () => [
    { role: 'user', content: image(redPixelPng, 'image/png') },
    { role: 'user', content: text('Please analyze the image above.') },
  ])

  server.prompt(
    'test_input_required_result_prompt',
    { description: 'A prompt that asks the user for its context' },
    async (_args, context) => {
      const answer = await context.elicit({
        key: 'user_context',
        message: 'What context should the prompt use?',
        schema: {
          type: 'object',
          properties: { context: { type: 'string' } },
          required: ['context'],
        },
      })
      return `Use this context: ${answer.content?.context ?? 'none'}`
    },
  )
}
