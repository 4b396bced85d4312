import type { Registration, Server } from '../dist/index.js'

/** Tools by which the scenario `server-stateless` provokes what it then checks. */
export function addDiagnosticTools(server: Server): void {
  server.tool(
    'test_missing_capability',
    { description: 'Needs the sampling capability' },
    async (_args, context) => {
      const answer = await context.sample({
        messages: [{ role: 'user', content: { type: 'text', text: 'Answer with: pong' } }],
        maxTokens: 16,
      })
      return JSON.stringify(answer.content)
    },
  )

  server.tool(
    'test_streaming_elicitation',
    { description: 'Asks the user, without ever sending the client a request' },
    async (_args, context) => {
      context.progress(1, 2, 'Before the question')
      const { action } = await context.elicit({
        message: 'Shall I go on?',
        schema: { type: 'object', properties: { go: { type: 'boolean' } }, required: ['go'] },
      })
      return `The user's choice: ${action}`
    },
  )

  server.tool(
    'test_logging_tool',
    { description: 'Logs a message, which only a request that set a log level receives' },
    (_args, context) => {
      context.log('info', 'test_logging_tool ran')
      return 'Logged.'
    },
  )

  let extraTool: Registration | undefined
  server.tool('test_trigger_tool_change', { description: 'Changes the list of tools' }, () => {
    if (extraTool) {
      extraTool.remove()
      extraTool = undefined
      return 'Removed test_extra_tool.'
    }
    extraTool = server.tool('test_extra_tool', { description: 'Comes and goes' }, () => 'Here.')
    return 'Added test_extra_tool.'
  })

  let extraPrompt: Registration | undefined
  server.tool('test_trigger_prompt_change', { description: 'Changes the list of prompts' }, () => {
    if (extraPrompt) {
      extraPrompt.remove()
      extraPrompt = undefined
      return 'Removed test_extra_prompt.'
    }
    extraPrompt = server.prompt(
      'test_extra_prompt',
      { description: 'Comes and goes' },
      () => 'Here.',
    )
    return 'Added test_extra_prompt.'
  })
}
