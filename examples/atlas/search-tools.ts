import type { Server } from 'tsmcp'
import { z } from 'zod'
import { airportShape } from './airports.ts'
import type { Atlas } from './atlas.ts'
import { cityShape } from './cities.ts'
import { countryShape, countryText, describeCountry } from './countries.ts'
import { findPlace, placeShape, placeText } from './places.ts'

const annotations = { readOnlyHint: true, idempotentHint: true, openWorldHint: false }
const limit = z.int().min(1).max(50).default(10).describe('How many results at most.')
const total = z
  .number()
  .describe('How many there are altogether; narrow the search for the others.')
const searchText = z.string().min(1).max(100)

/** Adds the tools that look things up. */
export function addSearchTools(server: Server, atlas: Atlas): void {
  server.tool(
    'nearest_airports',
    {
      title: 'Nearest airports',
      description: 'Lists the airports around a place, the nearest first.',
      annotations,
      input: z.object({
        place: placeText,
        radius_km: z.number().positive().max(2000).default(200),
        scheduled_only: z.boolean().default(true).describe('Only those with scheduled flights.'),
        limit,
      }),
      output: z.object({
        place: placeShape,
        total,
        airports: z.array(airportShape.extend({ distance_km: z.number() })),
      }),
    },
    async ({ place: text, radius_km, scheduled_only, limit }, context) => {
      const place = await findPlace(atlas, text, context, 'place')
      const options = { radiusKm: radius_km, scheduledOnly: scheduled_only }
      const airports = atlas.airports.around(place, options)
      return { place, total: airports.length, airports: airports.slice(0, limit) }
    },
  )

  server.tool(
    'search_airports',
    {
      title: 'Search airports',
      description:
        'Finds airports by name, city, country or code. The beginning of each word is enough; ' +
        'airports with scheduled flights and long runways come first.',
      annotations,
      input: z.object({
        text: searchText.optional().describe('For instance "zurich", "JFK", "new york".'),
        country: countryText.optional(),
        scheduled_only: z.boolean().default(true).describe('Only those with scheduled flights.'),
        limit,
      }),
      output: z.object({ total, airports: z.array(airportShape) }),
    },
    ({ text, country, scheduled_only, limit }) => {
      const { total, items } = atlas.airports.search({
        text,
        country: country === undefined ? undefined : atlas.countries.find(country).code,
        scheduledOnly: scheduled_only,
        limit,
      })
      return { total, airports: items }
    },
  )

  server.tool(
    'search_cities',
    {
      title: 'Search cities',
      description:
        'Finds cities by name, province or country, the largest first. The beginning of each ' +
        'word is enough. Without a text it lists the largest cities of a country or of the world.',
      annotations,
      input: z.object({
        text: searchText.optional().describe('For instance "springfield illinois".'),
        country: countryText.optional(),
        min_population: z.int().min(0).default(0),
        limit,
      }),
      output: z.object({ total, cities: z.array(cityShape) }),
    },
    ({ text, country, min_population, limit }) => {
      const { total, items } = atlas.cities.search({
        text,
        country: country === undefined ? undefined : atlas.countries.find(country).code,
        minPopulation: min_population,
        limit,
      })
      return { total, cities: items }
    },
  )

  server.tool(
    'search_countries',
    {
      title: 'Search countries',
      description:
        'Finds countries by name or capital in many languages, by region, by a language spoken ' +
        'there and by currency. What is given must all be true.',
      annotations,
      input: z.object({
        text: searchText.optional().describe('A name, a capital or a code.'),
        region: searchText.optional().describe('For instance "Europe" or "Southern Asia".'),
        language: searchText.optional().describe('In English, for instance "French".'),
        currency: searchText.optional().describe('Code or name, for instance "EUR".'),
        limit,
      }),
      output: z.object({ total, countries: z.array(countryShape) }),
    },
    ({ limit, ...search }) => {
      const found = atlas.countries.search(search)
      return { total: found.length, countries: found.slice(0, limit).map(describeCountry) }
    },
  )
}
