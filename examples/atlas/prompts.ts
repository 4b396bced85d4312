import { embeddedResource, McpError, type PromptMessage, type Server, text } from 'tsmcp'
import type { Atlas } from './atlas.ts'
import type { Country } from './data.ts'
import { fold } from './database.ts'
import { Mistake } from './mistake.ts'
import { countryPage } from './resources.ts'

/** Adds the prompts, with completion of what goes into them. */
export function addPrompts(server: Server, atlas: Atlas): void {
  server.prompt(
    'plan_trip',
    {
      title: 'Plan a trip',
      description: 'Plans a journey between two places with the tools of the atlas.',
      arguments: {
        from: {
          title: 'From',
          description: 'City or airport where the journey begins.',
          required: true,
          complete: (value) => atlas.cities.complete(value),
        },
        to: {
          title: 'To',
          description: 'City or airport to go to.',
          required: true,
          complete: (value, { arguments: others }) =>
            atlas.cities.complete(value).filter((city) => city !== others.from),
        },
        days: { title: 'Days', description: 'How many days there are; default: 7.' },
      },
    },
    ({ from, to, days = '7' }) =>
      `Plan a trip of ${days} days from ${from} to ${to}. Use the tools of the atlas:
1. nearest_airports for the airports at both ends, preferring large ones with scheduled flights;
2. route for the legs there and back, with distance and rough flight time;
3. local_time at both ends, to tell how far the clock must be moved;
4. search_cities for places near ${to} that are worth a day, and shortest_tour to order them.
Answer with one line for each day, then what to know about the country: languages, currency, time.`,
  )

  server.prompt(
    'compare_countries',
    {
      title: 'Compare two countries',
      description: 'Compares two countries for a reader, from the facts in the atlas.',
      arguments: {
        a: {
          title: 'One country',
          required: true,
          complete: (value) => atlas.countries.complete(value),
        },
        b: {
          title: 'The other country',
          required: true,
          complete: (value, { arguments: others }) => completeOther(atlas, value, others.a),
        },
      },
    },
    ({ a = '', b = '' }) => {
      const countries = [findCountry(atlas, a), findCountry(atlas, b)]
      const names = countries.map(({ name }) => name)
      const facts = countries.map((country): PromptMessage => {
        const page = JSON.stringify(countryPage(atlas, country), null, 2)
        const uri = `atlas://country/${country.code}`
        const mimeType = 'application/json'
        return { role: 'user', content: embeddedResource({ uri, mimeType, text: page }) }
      })
      const task = `Compare ${names.join(' and ')} in a table of at most ten rows, then say in three
sentences what strikes you. Take every figure from the facts above.`
      return {
        description: names.join(' and '),
        messages: [...facts, { role: 'user', content: text(task) }],
      }
    },
  )
}

/** A prompt has no result that could carry an error, as tools have: a mistake fails the request. */
function findCountry(atlas: Atlas, text: string): Country {
  try {
    return atlas.countries.find(text)
  } catch (error) {
    if (!(error instanceof Mistake)) throw error
    throw new McpError('INVALID_PARAMS', error.message, { cause: error })
  }
}

/** Countries that begin so: the neighbours of the first one come first, itself not at all. */
function completeOther(atlas: Atlas, value: string, first: string | undefined): string[] {
  const names = atlas.countries.complete(value)
  const one = atlas.countries.all.find(({ name }) => fold(name) === fold(first ?? ''))
  if (one === undefined) return names
  const near = new Set(one.neighbours.map((code) => atlas.countries.withCode(code)?.name))
  const others = names.filter((name) => name !== one.name)
  return others.toSorted((x, y) => Number(near.has(y)) - Number(near.has(x)))
}
