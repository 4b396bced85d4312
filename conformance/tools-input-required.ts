import type { Context, ElicitationSchema, Server } from '../dist/index.js'

const nameField: ElicitationSchema = {
  type: 'object',
  properties: { name: { type: 'string' } },
  required: ['name'],
}

const colorField: ElicitationSchema = {
  type: 'object',
  properties: { color: { type: 'string' } },
  required: ['color'],
}

const confirmation: ElicitationSchema = {
  type: 'object',
  properties: { ok: { type: 'boolean' } },
  required: ['ok'],
}

/** Tools whose questions become `input_required` results in 2026-07-28. */
export function addInputRequiredTools(server: Server): void {
  server.tool(
    'test_input_required_result_elicitation',
    { description: "Asks for the user's name" },
    async (_args, context) => {
      const answer = await askName(context)
      return `Hello, ${answer.content?.name ?? 'stranger'}!`
    },
  )

  server.tool(
    'test_input_required_result_sampling',
    { description: "Asks the client's model for a capital" },
    async (_args, context) => {
      const answer = await context.sample({
        key: 'capital_question',
        messages: [
          { role: 'user', content: { type: 'text', text: 'What is the capital of France?' } },
        ],
        maxTokens: 100,
      })
      return `The model answered: ${JSON.stringify(answer.content)}`
    },
  )

  server.tool(
    'test_input_required_result_list_roots',
    { description: "Lists the client's roots" },
    async (_args, context) => {
      const roots = await context.roots({ key: 'client_roots' })
      return `Roots: ${roots.map((root) => root.uri).join(', ')}`
    },
  )

  server.tool(
    'test_input_required_result_request_state',
    { description: 'Asks for a confirmation, with state that must come back' },
    async (_args, context) => {
      const { action } = await askConfirmation(context)
      // Reached only when the engine has verified the echoed state.
      return `state-ok: ${action}`
    },
  )

  server.tool(
    'test_input_required_result_tampered_state',
    { description: 'Asks for a confirmation; changed state must be refused' },
    async (_args, context) => {
      const { action } = await askConfirmation(context)
      return `Confirmed: ${action}`
    },
  )

  server.tool(
    'test_input_required_result_multiple_inputs',
    { description: 'Asks the user, the model and for the roots at once' },
    async (_args, context) => {
      const [user, greeting, roots] = await Promise.all([
        askName(context),
        context.sample({
          key: 'greeting',
          messages: [{ role: 'user', content: { type: 'text', text: 'Generate a greeting' } }],
          maxTokens: 50,
        }),
        context.roots({ key: 'client_roots' }),
      ])
      return JSON.stringify({ user: user.content, greeting: greeting.content, roots })
    },
  )

  server.tool(
    'test_input_required_result_multi_round',
    { description: 'Asks twice, the second time knowing the first answer' },
    async (_args, context) => {
      const who = await context.elicit({
        key: 'step1',
        message: 'Step 1: What is your name?',
        schema: nameField,
      })
      const likes = await context.elicit({
        key: 'step2',
        message: 'Step 2: What is your favorite color?',
        schema: colorField,
      })
      return `${who.content?.name} likes ${likes.content?.color}.`
    },
  )

  server.tool(
    'test_input_required_result_capabilities',
    { description: 'Asks only in the ways that the client has declared' },
    async (_args, context) => {
      const questions: Promise<unknown>[] = []
      if (context.clientCapabilities.elicitation) questions.push(askName(context))
      if (context.clientCapabilities.sampling) {
        questions.push(
          context.sample({
            key: 'greeting',
            messages: [{ role: 'user', content: { type: 'text', text: 'Say hello' } }],
            maxTokens: 50,
          }),
        )
      }
      return `Answers: ${JSON.stringify(await Promise.all(questions))}`
    },
  )
}

function askName(context: Context) {
  return context.elicit({ key: 'user_name', message: 'What is your name?', schema: nameField })
}

function askConfirmation(context: Context) {
  return context.elicit({ key: 'confirm', message: 'Please confirm', schema: confirmation })
}
