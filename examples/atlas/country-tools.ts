import { resourceLink, type Server, text, toolResult } from 'tsmcp'
import { z } from 'zod'
import type { Atlas } from './atlas.ts'
import { countryShape, countryText, describeCountry } from './countries.ts'
import type { Country } from './data.ts'
import { Mistake } from './mistake.ts'
import { distanceKm, type Point, rounded } from './sphere.ts'

const annotations = { readOnlyHint: true, idempotentHint: true, openWorldHint: false }

/** Adds the tools about countries. */
export function addCountryTools(server: Server, atlas: Atlas): void {
  server.tool(
    'compare_countries',
    {
      title: 'Compare two countries',
      description:
        'Puts the facts of two countries side by side, with what they share and how far apart ' +
        'their capitals are.',
      annotations,
      input: z.object({ a: countryText, b: countryText }),
      output: z.object({
        a: countryShape,
        b: countryShape,
        shared_languages: z.array(z.string()),
        shared_currencies: z.array(z.string()),
        have_common_border: z.boolean(),
        area_ratio: z.number().nullable().describe('Area of a divided by area of b.'),
        capitals_distance_km: z.number().nullable(),
      }),
    },
    (args) => {
      const [one, other] = [atlas.countries.find(args.a), atlas.countries.find(args.b)]
      const [a, b] = [describeCountry(one), describeCountry(other)]
      const comparison = {
        a,
        b,
        shared_languages: a.languages.filter((language) => b.languages.includes(language)),
        shared_currencies: a.currencies.filter((currency) => b.currencies.includes(currency)),
        have_common_border: a.neighbours.includes(b.code),
        area_ratio:
          a.area_km2 === null || b.area_km2 === null
            ? null
            : Number((a.area_km2 / b.area_km2).toPrecision(3)),
        capitals_distance_km: capitalsDistanceKm(atlas, one, other),
      }
      return toolResult({
        content: [text(JSON.stringify(comparison)), ...[one, other].map(linkTo)],
        structuredContent: comparison,
      })
    },
  )

  server.tool(
    'overland_route',
    {
      title: 'Overland route',
      description:
        'Finds a way over land between two countries that crosses the fewest borders. It knows ' +
        'land borders only: no ferries, tunnels or bridges, nor visas or closed borders.',
      annotations,
      input: z.object({ from: countryText, to: countryText }),
      output: z.object({
        border_crossings: z.number(),
        countries: z.array(z.object({ code: z.string(), name: z.string() })),
      }),
    },
    ({ from, to }) => {
      const [start, end] = [atlas.countries.find(from), atlas.countries.find(to)]
      const way = atlas.countries.overland(start, end)
      if (way === undefined)
        throw new Mistake(`No land way leads from ${start.name} to ${end.name}.`)
      return {
        border_crossings: way.length - 1,
        countries: way.map(({ code, name }) => ({ code, name })),
      }
    },
  )
}

function linkTo({ code, name, flag }: Country) {
  const title = `${flag} ${name}`.trim()
  return resourceLink({
    uri: `atlas://country/${code}`,
    name: code,
    title,
    mimeType: 'application/json',
  })
}

function capitalsDistanceKm(atlas: Atlas, a: Country, b: Country): number | null {
  const [from, to] = [capital(atlas, a), capital(atlas, b)]
  return from === undefined || to === undefined ? null : rounded(distanceKm(from, to))
}

function capital(atlas: Atlas, country: Country): Point | undefined {
  const cities = country.capitals.flatMap((name) => atlas.cities.named(name))
  return cities.find((city) => city.country === country.code)
}
