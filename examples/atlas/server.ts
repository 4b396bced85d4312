/**
 * A whole server over real data: the countries, larger cities and airports of the world.
 *
 *     tsmcp serve examples/atlas/server.ts
 *     tsmcp call http://127.0.0.1:8080/mcp nearest_airports '{"place":"Zurich"}'
 */
import { defineServer } from 'tsmcp'
import { openAtlas } from './atlas.ts'
import { addCountryTools } from './country-tools.ts'
import { Mistake } from './mistake.ts'
import { addPrompts } from './prompts.ts'
import { addResources } from './resources.ts'
import { addSearchTools } from './search-tools.ts'
import { addTravelTools } from './travel-tools.ts'

const server = defineServer({
  name: 'atlas',
  title: 'Atlas',
  version: '1.0.0',
  description: 'Countries, cities, airports, distances and local times of the world.',
  instructions:
    'Facts about countries, larger cities and airports, from data that is held in memory. Places ' +
    'can be given as names, airport codes or coordinates. Where a name is shared, add the ' +
    'province or country ("Springfield, Missouri"), or the user is asked which one is meant.',
  // The data never changes while the server runs, and is the same for everybody.
  cache: { ttlMs: 3_600_000, scope: 'public' },
  onError: (error) => {
    if (!(error instanceof Mistake)) console.error(error)
  },
})

const atlas = await openAtlas()
addSearchTools(server, atlas)
addCountryTools(server, atlas)
addTravelTools(server, atlas)
addResources(server, atlas)
addPrompts(server, atlas)

export default server
