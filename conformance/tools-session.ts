import { setTimeout as sleep } from 'node:timers/promises'
import type { Context, ElicitationSchema, Server } from '../dist/index.js'

const userFields: ElicitationSchema = {
  type: 'object',
  properties: {
    username: { type: 'string', description: "User's response" },
    email: { type: 'string', description: "User's email address" },
  },
  required: ['username', 'email'],
}

const fieldsWithDefaults: ElicitationSchema = {
  type: 'object',
  properties: {
    name: { type: 'string', description: 'User name', default: 'John Doe' },
    age: { type: 'integer', description: 'User age', default: 30 },
    score: { type: 'number', description: 'User score', default: 95.5 },
    status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean', description: 'Verification status', default: true },
  },
}

const enumFields: ElicitationSchema = {
  type: 'object',
  properties: {
    untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
    titledSingle: {
      type: 'string',
      oneOf: [
        { const: 'value1', title: 'First Option' },
        { const: 'value2', title: 'Second Option' },
        { const: 'value3', title: 'Third Option' },
      ],
    },
    legacyEnum: {
      type: 'string',
      enum: ['opt1', 'opt2', 'opt3'],
      enumNames: ['Option One', 'Option Two', 'Option Three'],
    },
    untitledMulti: {
      type: 'array',
      items: { type: 'string', enum: ['option1', 'option2', 'option3'] },
    },
    titledMulti: {
      type: 'array',
      items: {
        anyOf: [
          { const: 'value1', title: 'First Choice' },
          { const: 'value2', title: 'Second Choice' },
          { const: 'value3', title: 'Third Choice' },
        ],
      },
    },
  },
}

/** Tools that speak while they run: progress, log messages, questions to the client. */
export function addSessionTools(server: Server): void {
  server.tool(
    'test_tool_with_progress',
    { description: 'Reports progress 0, 50 and 100 of 100' },
    async (_args, context) => {
      context.progress(0, 100, 'Started')
      await sleep(50)
      context.progress(50, 100, 'Half way')
      await sleep(50)
      context.progress(100, 100, 'Done')
      return 'Progress was reported three times.'
    },
  )

  server.tool(
    'test_tool_with_logging',
    { description: 'Logs three messages while it runs' },
    async (_args, context) => {
      context.log('info', 'Tool execution started')
      await sleep(50)
      context.log('info', 'Tool processing data')
      await sleep(50)
      context.log('info', 'Tool execution completed')
      return 'Three messages were logged.'
    },
  )

  server.tool(
    'test_sampling',
    {
      description: "Asks the client's model",
      input: {
        type: 'object',
        properties: { prompt: { type: 'string', description: 'What to ask' } },
        required: ['prompt'],
      },
    },
    async (args, context) => {
      const answer = await context.sample({
        messages: [{ role: 'user', content: { type: 'text', text: String(args.prompt) } }],
        maxTokens: 100,
      })
      return `LLM response: ${JSON.stringify(answer.content)}`
    },
  )

  server.tool(
    'test_elicitation',
    {
      description: 'Asks the user for a name and an address',
      input: {
        type: 'object',
        properties: { message: { type: 'string', description: 'What to show the user' } },
        required: ['message'],
      },
    },
    async (args, context) => {
      const answer = await context.elicit({ message: String(args.message), schema: userFields })
      return `User response: ${JSON.stringify(answer)}`
    },
  )

  server.tool(
    'test_elicitation_sep1034_defaults',
    { description: 'Asks for a field of each primitive type, with defaults' },
    (_args, context) => askAndReport(context, 'Please review these values', fieldsWithDefaults),
  )

  server.tool(
    'test_elicitation_sep1330_enums',
    { description: 'Asks for a field of each kind of enumeration' },
    (_args, context) => askAndReport(context, 'Please choose', enumFields),
  )

  server.tool(
    'test_reconnection',
    { description: 'Ends its stream before its result; the client fetches it by reconnecting' },
    async (_args, context) => {
      context.closeStream(100)
      await sleep(200)
      return 'The client came back for this result.'
    },
  )
}

async function askAndReport(
  context: Context,
  message: string,
  schema: ElicitationSchema,
): Promise<string> {
  const { action, content } = await context.elicit({ message, schema })
  return `Elicitation completed: action=${action}, content=${JSON.stringify(content ?? {})}`
}
