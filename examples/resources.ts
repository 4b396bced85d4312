/**
 * Resources: notes that clients read, list, complete by title and subscribe to.
 *
 *     tsmcp serve examples/resources.ts
 */
import { defineServer, resourceLink, text } from 'tsmcp'
import { z } from 'zod'

const server = defineServer({ name: 'notes', version: '1.0.0' })
const notes = new Map([['welcome', 'Write notes with the tool write_note.']])
const address = (title: string) => `notes://note/${encodeURIComponent(title)}`
const link = (title: string) => ({ uri: address(title), name: title, mimeType: 'text/plain' })

server.resource('notes://index', { name: 'index', mimeType: 'text/markdown' }, () =>
  [...notes.keys()].map((title) => `- [${title}](${address(title)})`).join('\n'),
)

server.resourceTemplate(
  'notes://note/{title}',
  {
    name: 'note',
    description: 'One note, by its title.',
    mimeType: 'text/plain',
    complete: { title: (value) => [...notes.keys()].filter((title) => title.startsWith(value)) },
    list: () => [...notes.keys()].map(link),
  },
  // Undefined says that there is no such resource.
  ({ variables }) => notes.get(variables.title ?? ''),
)

server.tool(
  'write_note',
  {
    description: 'Writes a note, over the one of the same title if there is one.',
    annotations: { destructiveHint: true, idempotentHint: true, openWorldHint: false },
    input: z.object({ title: z.string().min(1).max(60), body: z.string().max(10_000) }),
  },
  ({ title, body }) => {
    if (!notes.has(title) && notes.size >= 1000) throw new Error('The notebook is full.')
    notes.set(title, body)
    server.resourceUpdated(address(title))
    server.resourceUpdated('notes://index')
    return [text(`Written: ${title}`), resourceLink(link(title))]
  },
)

export default server
