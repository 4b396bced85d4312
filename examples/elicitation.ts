/**
 * Asking the user: by a form, and by a page to visit. The same code serves both eras: up to
 * 2025-11-25 the question is a request to the client, in 2026-07-28 the handler starts again with
 * the answer at hand. So nothing here is done before the last question is answered.
 *
 *     tsmcp serve examples/elicitation.ts
 */
import { defineServer } from 'tsmcp'
import { z } from 'zod'

const server = defineServer({ name: 'restaurant', version: '1.0.0' })
const dishes = ['soup', 'pasta', 'curry']

server.tool(
  'order_dinner',
  { description: 'Orders a dinner; asks the user what it shall be.' },
  async (_args, context) => {
    const order = await context.elicit({
      key: 'order',
      message: 'What would you like?',
      schema: {
        type: 'object',
        properties: {
          dish: { type: 'string', title: 'Dish', enum: dishes },
          portions: { type: 'integer', title: 'Portions', minimum: 1, maximum: 8, default: 1 },
        },
        required: ['dish'],
      },
    })
    if (order.action !== 'accept') return 'Nothing was ordered.'
    return `Ordered: ${order.content?.portions ?? 1} × ${order.content?.dish}.`
  },
)

server.tool(
  'pay',
  {
    description: 'Pays the bill on a page outside of the chat, where card numbers belong.',
    input: z.object({ euros: z.number().positive() }),
  },
  async ({ euros }, context) => {
    const visit = await context.elicit({
      key: 'payment',
      message: `Please pay ${euros.toFixed(2)} €.`,
      url: `https://pay.example.com/bill?euros=${euros}`,
    })
    return visit.action === 'accept' ? 'The page was opened.' : 'The bill is still open.'
  },
)

export default server
