import type { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import type { Country } from './data.ts'
import { fold, matchAll, query } from './database.ts'
import { Mistake } from './mistake.ts'

export const countryText = z
  .string()
  .min(2)
  .max(60)
  .describe('A country: its code ("CH", "CHE") or its name in any common language.')
  .meta({ examples: ['Switzerland'] })

export const countryShape = z.object({
  code: z.string().describe('Two-letter code of ISO 3166-1.'),
  name: z.string(),
  official_name: z.string(),
  flag: z.string(),
  capitals: z.array(z.string()),
  region: z.string(),
  subregion: z.string(),
  area_km2: z.number().nullable(),
  landlocked: z.boolean(),
  un_member: z.boolean(),
  languages: z.array(z.string()),
  currencies: z.array(z.string()),
  neighbours: z.array(z.string()).describe('Codes of the countries with a common land border.'),
})

/** A country as tools and resources show it. */
export function describeCountry(country: Country): z.infer<typeof countryShape> {
  return {
    code: country.code,
    name: country.name,
    official_name: country.officialName,
    flag: country.flag,
    capitals: country.capitals,
    region: country.region,
    subregion: country.subregion,
    area_km2: country.areaKm2,
    landlocked: country.landlocked,
    un_member: country.unMember,
    languages: country.languages,
    currencies: country.currencies.map(({ code, name }) => `${code} ${name}`),
    neighbours: country.neighbours,
  }
}

/** What can be asked about countries. */
export function countryQueries(database: DatabaseSync, countries: Country[]) {
  const byCode = new Map(countries.map((country) => [country.code, country]))
  const inOrder = (codes: string[]): Country[] => codes.flatMap((code) => byCode.get(code) ?? [])

  const named = query(database, 'SELECT DISTINCT code FROM country_names WHERE key = :key', (row) =>
    String(row.code),
  )
  const matching = query(
    database,
    `SELECT c.code FROM country_search s JOIN countries c ON c.id = s.rowid
     WHERE country_search MATCH :match
     ORDER BY EXISTS (SELECT 1 FROM country_names n WHERE n.code = c.code AND n.key = :key) DESC,
       c.name`,
    (row) => String(row.code),
  )
  const figures = query(
    database,
    `SELECT count(*) AS cities, coalesce(sum(population), 0) AS people,
       (SELECT count(*) FROM airports a WHERE a.country = :code) AS airports,
       (SELECT count(*) FROM airports a WHERE a.country = :code AND a.scheduled) AS scheduled
     FROM cities WHERE country = :code`,
    (row) => ({
      listed_cities: Number(row.cities),
      people_in_listed_cities: Number(row.people),
      airports: Number(row.airports),
      airports_with_scheduled_flights: Number(row.scheduled),
    }),
  )
  const zones = query(
    database,
    `SELECT zone FROM cities WHERE country = :code AND zone IS NOT NULL
     UNION SELECT zone FROM airports WHERE country = :code AND zone IS NOT NULL`,
    (row) => String(row.zone),
  )

  const search = (options: {
    text?: string | undefined
    region?: string | undefined
    language?: string | undefined
    currency?: string | undefined
  }): Country[] => {
    const columns = {
      names: options.text,
      region: options.region,
      languages: options.language,
      currencies: options.currency,
    }
    const terms = Object.entries(columns).flatMap(([column, text]) =>
      text === undefined ? [] : `${column} : (${matchAll(text)})`,
    )
    if (terms.length === 0) return countries.toSorted((a, b) => a.name.localeCompare(b.name))
    return inOrder(matching({ match: terms.join(' AND '), key: fold(options.text ?? '') }))
  }

  return {
    all: countries,
    withCode: (code: string): Country | undefined => byCode.get(code.toUpperCase()),
    search,
    figures: (code: string) => figures({ code })[0],
    timeZones: (code: string) => zones({ code }),

    /** The one country of this code or name; an error that helps for anything else. */
    find(text: string): Country {
      const [country, ...others] = inOrder(named({ key: fold(text) }))
      if (country !== undefined && others.length === 0) return country
      const candidates = country === undefined ? search({ text }) : [country, ...others]
      const [only] = candidates
      if (only !== undefined && candidates.length === 1) return only
      const names = candidates.slice(0, 8).map(({ name, code }) => `${name} (${code})`)
      throw new Mistake(
        names.length === 0
          ? `No country is called "${text}". Use search_countries to find its name.`
          : `"${text}" could be ${names.join(', ')}. Give the code.`,
      )
    },

    /** The names of countries that begin so, or of which any name or code does. */
    complete(text: string): string[] {
      if (fold(text) === '') return countries.map(({ name }) => name).toSorted()
      const key = fold(text)
      const names = search({ text }).map(({ name }) => name)
      return names.toSorted(
        (a, b) => Number(fold(b).startsWith(key)) - Number(fold(a).startsWith(key)),
      )
    },

    /** A way over land with the fewest borders to cross, both ends included. */
    overland(from: Country, to: Country): Country[] | undefined {
      const cameFrom = new Map<string, string | undefined>([[from.code, undefined]])
      for (const code of cameFrom.keys()) {
        if (code === to.code) break
        for (const next of byCode.get(code)?.neighbours ?? []) {
          if (!cameFrom.has(next)) cameFrom.set(next, code)
        }
      }
      if (!cameFrom.has(to.code)) return undefined
      const way: string[] = []
      for (let code: string | undefined = to.code; code !== undefined; code = cameFrom.get(code)) {
        way.unshift(code)
      }
      return inOrder(way)
    },
  }
}
