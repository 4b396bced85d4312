import { McpError, type Server } from 'tsmcp'
import type { Atlas } from './atlas.ts'
import { describeCountry } from './countries.ts'
import type { Country } from './data.ts'
import { fold } from './database.ts'

const mimeType = 'application/json'

/** Adds what can be read: the atlas about itself, countries and airports. */
export function addResources(server: Server, atlas: Atlas): void {
  server.resource(
    'atlas://about',
    {
      name: 'about',
      title: 'About this atlas',
      description: 'Where the data comes from, its licences and its limits.',
      mimeType: 'text/markdown',
    },
    () => about(atlas),
  )

  server.resource(
    'atlas://statistics',
    {
      name: 'statistics',
      title: 'Statistics',
      description: 'Countries, cities and airports in each region of the world.',
      mimeType,
    },
    () => JSON.stringify(statistics(atlas), null, 2),
  )

  server.resourceTemplate(
    'atlas://country/{code}',
    {
      name: 'country',
      title: 'Country',
      description: 'All that the atlas knows about a country, by its two-letter code.',
      mimeType,
      complete: { code: (value) => completeCode(atlas, value) },
      list: () =>
        atlas.countries.search({}).map(({ code, name, flag }) => ({
          uri: `atlas://country/${code}`,
          name: code,
          title: `${flag} ${name}`.trim(),
          mimeType,
        })),
    },
    ({ uri, variables }) => {
      const country = atlas.countries.withCode(variables.code ?? '')
      if (country === undefined) throw notFound(uri, 'Countries have two-letter codes, like CH.')
      return JSON.stringify(countryPage(atlas, country), null, 2)
    },
  )

  server.resourceTemplate(
    'atlas://airport/{iata}',
    {
      name: 'airport',
      title: 'Airport',
      description: 'All that the atlas knows about an airport, by its IATA or ICAO code.',
      mimeType,
      // Not listed: ten thousand entries are for a search, not for a menu.
      complete: { iata: (value) => atlas.airports.complete(value) },
    },
    ({ uri, variables }) => {
      const airport = atlas.airports.withCode(variables.iata ?? '')
      if (airport === undefined) throw notFound(uri, 'Airports have codes like ZRH or LSZH.')
      const country = atlas.countries.withCode(airport.country)
      return JSON.stringify({ ...airport, country_name: country?.name }, null, 2)
    },
  )
}

/** The JSON document `atlas://country/{code}`, which prompts embed too. */
export function countryPage(atlas: Atlas, country: Country) {
  const { items } = atlas.cities.search({
    text: undefined,
    country: country.code,
    minPopulation: 0,
    limit: 10,
  })
  return {
    ...describeCountry(country),
    time_zones: atlas.countries.timeZones(country.code),
    ...atlas.countries.figures(country.code),
    largest_cities: items.map(({ name, province, population }) => ({ name, province, population })),
  }
}

function completeCode(atlas: Atlas, value: string): string[] {
  const beginning = value.toUpperCase()
  const codes = atlas.countries.all
    .map(({ code }) => code)
    .filter((code) => code.startsWith(beginning))
  if (fold(value).length < 3) return codes.toSorted()
  return atlas.countries.search({ text: value }).map(({ code }) => code)
}

function notFound(uri: string, hint: string): McpError {
  return new McpError('RESOURCE_NOT_FOUND', `There is no ${uri}. ${hint}`, { data: { uri } })
}

function statistics(atlas: Atlas) {
  const regions = Map.groupBy(atlas.countries.all, ({ region }) => region)
  const rows = [...regions].map(([region, countries]) => {
    const figures = countries.flatMap(({ code }) => atlas.countries.figures(code) ?? [])
    const sum = (key: keyof (typeof figures)[number]) =>
      figures.reduce((total, row) => total + row[key], 0)
    return {
      region,
      countries: countries.length,
      un_members: countries.filter(({ unMember }) => unMember).length,
      area_km2: Math.round(countries.reduce((total, { areaKm2 }) => total + (areaKm2 ?? 0), 0)),
      listed_cities: sum('listed_cities'),
      people_in_listed_cities: sum('people_in_listed_cities'),
      airports: sum('airports'),
      airports_with_scheduled_flights: sum('airports_with_scheduled_flights'),
    }
  })
  return { ...atlas.counts, regions: rows.toSorted((a, b) => b.area_km2 - a.area_km2) }
}

function about({ counts }: Atlas): string {
  return `# Atlas

${counts.countries} countries and territories, ${counts.cities} cities and
${counts.airports} airports with an IATA code, held in memory. No network is used.

| what | package | licence |
|---|---|---|
| countries | world-countries (mledoze/countries) | ODbL 1.0 |
| cities, populations, time zones | city-timezones | MIT |
| airports | airport-data-js (airportdata.dev, by Aashish Vivekanand) | CC BY 4.0 |

Changes to the data: railway and bus stations with an IATA code are left out; cities without a time
zone get that of the nearest airport in the country; \`near\` of an airport, the largest city
around, is computed.

Limits: distances are along the surface of a sphere (up to 0.6% off); populations are of urban areas
and some years old; the city list holds only the larger places; time zone rules are those of Node.
`
}
