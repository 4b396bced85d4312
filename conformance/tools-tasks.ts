import { setTimeout as sleep } from 'node:timers/promises'
import { type ElicitationSchema, McpError, type Server, text, toolError } from '../dist/index.js'

const nameField: ElicitationSchema = {
  type: 'object',
  properties: { name: { type: 'string' } },
  required: ['name'],
}
const confirmation: ElicitationSchema = {
  type: 'object',
  properties: { confirm: { type: 'boolean' } },
  required: ['confirm'],
}
/** What the suite answers to two questions at once does not say which of them it is for. */
const anyAnswer: ElicitationSchema = {
  type: 'object',
  properties: { name: { type: 'string' }, confirm: { type: 'boolean' } },
}

/** Tools whose calls become tasks. */
export function addTaskTools(server: Server): void {
  server.tool(
    'greet',
    {
      description: 'Greets, without a task',
      input: {
        type: 'object',
        properties: { name: { type: 'string' } },
        required: ['name'],
      },
    },
    ({ name }) => `Hello, ${name}!`,
  )

  server.tool(
    'slow_compute',
    {
      description: 'Takes its time',
      input: {
        type: 'object',
        properties: { seconds: { type: 'number' }, label: { type: 'string' } },
      },
      task: 'optional',
    },
    async ({ seconds, label }, { signal }) => {
      await sleep(Number(seconds) * 1000, undefined, { signal })
      return text(`${label} took ${seconds} s`)
    },
  )

  server.tool(
    'failing_job',
    { description: 'Reports an error of its own', task: 'required' },
    async () => {
      await sleep(200)
      return toolError('The job failed, as it always does')
    },
  )

  server.tool(
    'protocol_error_job',
    { description: 'Ends with an error of the protocol', task: 'optional' },
    async () => {
      await sleep(200)
      throw new McpError('INTERNAL_ERROR', 'The job broke down')
    },
  )

  server.tool(
    'confirm_delete',
    {
      description: 'Asks before it does anything',
      input: { type: 'object', properties: { filename: { type: 'string' } } },
      task: 'optional',
    },
    async ({ filename }, context) => {
      const { action, content } = await context.elicit({
        message: `Delete ${filename}?`,
        schema: confirmation,
      })
      return action === 'accept' && content?.confirm ? `${filename} is gone` : `${filename} stays`
    },
  )

  server.tool(
    'multi_input',
    { description: 'Asks two things at once', task: 'optional' },
    async (_args, context) => {
      const answers = await Promise.all([
        context.elicit({ key: 'first', message: 'Your name?', schema: anyAnswer }),
        context.elicit({ key: 'second', message: 'Are you sure?', schema: anyAnswer }),
      ])
      return JSON.stringify(answers.map(({ content }) => content))
    },
  )

  server.tool(
    'test_tool_with_task',
    {
      description: 'Asks first, and becomes a task when it knows enough',
      task: { support: 'required', begin: 'by-handler' },
    },
    async (_args, context) => {
      const { content } = await context.elicit({
        key: 'user_name',
        message: 'What is your name?',
        schema: nameField,
      })
      await context.beginTask()
      await sleep(200)
      return `Done for ${content?.name}`
    },
  )
}
