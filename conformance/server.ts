/**
 * The fixture that the official conformance suite is run against: each tool, resource and prompt
 * that a server scenario asks for by name. Both eras are served on one endpoint.
 *
 * `node conformance/server.ts [PORT]` serves it and prints its URL.
 */
import { serveHttp } from '../dist/http.js'
import { defineServer, type Server } from '../dist/index.js'
import { addPrompts } from './prompts.ts'
import { addResources } from './resources.ts'
import { addSkills } from './skills.ts'
import { addContentTools } from './tools-content.ts'
import { addDiagnosticTools } from './tools-diagnostic.ts'
import { addInputRequiredTools } from './tools-input-required.ts'
import { addSessionTools } from './tools-session.ts'
import { addTaskTools } from './tools-tasks.ts'

/** A new server with everything that the scenarios use. */
export async function everythingServer(): Promise<Server> {
  const server = defineServer({
    name: 'tsmcp-conformance',
    version: '1.0.0',
    title: 'tsmcp conformance fixture',
  })
  addContentTools(server)
  addSessionTools(server)
  addInputRequiredTools(server)
  addDiagnosticTools(server)
  addTaskTools(server)
  addResources(server)
  addPrompts(server)
  await addSkills(server)
  return server
}

if (import.meta.main) {
  const port = Number(process.argv[2] ?? 0)
  const listener = await serveHttp(await everythingServer(), { port, drainMs: 1000 })
  console.log(listener.url)
  // Whoever started us by spawn() wants us to end with it.
  process.once('disconnect', () => void listener.close())
}
