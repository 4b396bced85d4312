import { airportQueries } from './airports.ts'
import { cityQueries } from './cities.ts'
import { countryQueries } from './countries.ts'
import { readData } from './data.ts'
import { createDatabase } from './database.ts'

export type Atlas = Awaited<ReturnType<typeof openAtlas>>

/** Loads the data packages into memory: some 18,000 rows, within a second. */
export async function openAtlas() {
  const data = await readData()
  const database = createDatabase(data)
  return {
    airports: airportQueries(database),
    cities: cityQueries(database),
    countries: countryQueries(database, data.countries),
    counts: {
      airports: data.airports.length,
      cities: data.cities.length,
      countries: data.countries.length,
    },
  }
}
