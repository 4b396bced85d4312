import { z } from 'zod'

/** What every measured server says about itself. */
export const implementation = { name: 'bench', version: '1.0.0' }

export const description = 'Answers with the text that it was given.'

/** The one argument of the tool, as a zod shape: the form that all the libraries take. */
export const shape = { text: z.string().describe('What to answer.') }
export const schema = z.object(shape)

export const echo = ({ text }: { text: string }) => ({
  content: [{ type: 'text' as const, text }],
})

const toolCount = Number(process.env.BENCH_TOOLS ?? 1)

/**
 * The names to register: `echo`, after as many others as the workload wants. It comes last, where
 * a server that searches its tools one by one would need longest to find it.
 */
export const toolNames: readonly string[] = [
  ...Array.from({ length: toolCount - 1 }, (_, index) => `tool_${index + 1}`),
  'echo',
]
