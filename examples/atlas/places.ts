import { type Context, McpError } from 'tsmcp'
import { z } from 'zod'
import type { Atlas } from './atlas.ts'
import { type City, cityLabel } from './cities.ts'
import { fold } from './database.ts'
import { Mistake } from './mistake.ts'

export const placeText = z
  .string()
  .min(2)
  .max(100)
  .describe(
    'A city ("Zurich"; "Springfield, Missouri" where several share the name), an airport by its ' +
      'IATA or ICAO code ("ZRH", "LSZH"), or coordinates ("47.38, 8.54").',
  )
  .meta({ examples: ['Zurich'] })

export const placeShape = z.object({
  label: z.string().describe('The place that was understood.'),
  latitude: z.number(),
  longitude: z.number(),
  time_zone: z.string().nullable(),
})
export type Place = z.infer<typeof placeShape>

/**
 * The place that a text means. Where several cities fit about as well, the user is asked; a client
 * that cannot ask gets an error that lists them. `key` names the question, once in each request.
 */
export async function findPlace(
  atlas: Atlas,
  text: string,
  context: Context,
  key: string,
): Promise<Place> {
  const certain = fromCoordinates(atlas, text) ?? fromAirportCode(atlas, text)
  if (certain !== undefined) return certain

  const candidates = citiesFor(atlas, text)
  const [first, second] = candidates
  if (first === undefined) {
    throw new Mistake(`No city or airport is called "${text}"; search_cities may find it.`)
  }
  // London in England rather than in Ontario; but nobody can guess which Springfield.
  if (second === undefined || first.population >= 10 * second.population) return fromCity(first)
  return fromCity(await chooseCity(text, candidates.slice(0, 10), context, key))
}

function fromCoordinates(atlas: Atlas, text: string): Place | undefined {
  const [, north, east] = /^\s*(-?\d+(?:\.\d+)?)\s*,\s*(-?\d+(?:\.\d+)?)\s*$/.exec(text) ?? []
  if (north === undefined || east === undefined) return undefined
  const [latitude, longitude] = [Number(north), Number(east)]
  if (Math.abs(latitude) > 90 || Math.abs(longitude) > 180) {
    throw new Mistake(`"${text}" is not on Earth: latitude is -90 to 90, longitude -180 to 180.`)
  }
  const time_zone = atlas.cities.nearest({ latitude, longitude })?.time_zone ?? null
  return { label: `${latitude}, ${longitude}`, latitude, longitude, time_zone }
}

function fromAirportCode(atlas: Atlas, text: string): Place | undefined {
  if (!/^[A-Z]{3,4}$/.test(text.trim())) return undefined
  const airport = atlas.airports.withCode(text)
  if (airport === undefined) return undefined
  const { iata, name, latitude, longitude, time_zone } = airport
  return { label: `${name} (${iata})`, latitude, longitude, time_zone }
}

function fromCity(city: City): Place {
  const { latitude, longitude, time_zone } = city
  return { label: cityLabel(city), latitude, longitude, time_zone }
}

/** Cities of the name before the first comma that fit everything after it, largest first. */
function citiesFor(atlas: Atlas, text: string): City[] {
  const [name = '', ...qualifiers] = text.split(',').map((part) => part.trim())
  const wanted = qualifiers.map(fold).filter((part) => part !== '')
  const named = atlas.cities.named(name).filter((city) => {
    const country = atlas.countries.withCode(city.country)
    const names = [city.province, city.state, city.country, country?.code3, country?.name]
    const places = [...names, ...(country?.otherNames ?? [])].map((place) => fold(place ?? ''))
    return wanted.every((part) => places.includes(part))
  })
  if (named.length > 0) return named
  const options = { country: undefined, minPopulation: 0, limit: 10 }
  return atlas.cities.search({ text, ...options }).items
}

async function chooseCity(
  text: string,
  candidates: City[],
  context: Context,
  key: string,
): Promise<City> {
  const labels = candidates.map(cityLabel)
  const answer = await askWhich(text, labels, context, key)
  const chosen = candidates[labels.indexOf(String(answer.content?.place))]
  if (answer.action === 'accept' && chosen !== undefined) return chosen
  throw new Mistake(`Nobody chose which "${text}" is meant.`)
}

async function askWhich(text: string, labels: string[], context: Context, key: string) {
  try {
    return await context.elicit({
      key,
      message: `There are several places called "${text}". Which one do you mean?`,
      schema: {
        type: 'object',
        properties: { place: { type: 'string', title: 'Place', enum: labels } },
        required: ['place'],
      },
    })
  } catch (error) {
    if (!(error instanceof McpError) || error.code !== 'MISSING_CLIENT_CAPABILITY') throw error
    const list = labels.map((label) => `"${label}"`).join(', ')
    throw new Mistake(`"${text}" could be ${list}. Call again with one of these.`, { cause: error })
  }
}
