import type { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { fold, matchAll, pageQuery, query } from './database.ts'
import { boxesAround, distanceKm, type Point } from './sphere.ts'

export const cityShape = z.object({
  name: z.string(),
  province: z.string(),
  country: z.string().describe('Two-letter code of ISO 3166-1.'),
  latitude: z.number(),
  longitude: z.number(),
  population: z.number(),
  time_zone: z.string().nullable(),
})
export type City = z.infer<typeof cityShape>

const columns =
  'c.name, c.province, c.country, c.latitude, c.longitude, c.population, c.zone AS time_zone'

/** The name by which a city can be told from others: `Springfield, Missouri, US`. */
export function cityLabel(city: Pick<City, 'name' | 'province' | 'country'>): string {
  const parts = [city.name, city.province, city.country]
  return parts.filter((part, index) => part !== '' && part !== parts[index - 1]).join(', ')
}

/** What can be asked about cities. Values are bound to parameters, never spliced into SQL. */
export function cityQueries(database: DatabaseSync) {
  const readCity = (row: Record<string, unknown>): City => cityShape.parse(row)
  const search = pageQuery(
    database,
    `SELECT ${columns}, count(*) OVER () AS total FROM cities c
     WHERE (:match IS NULL
         OR c.id IN (SELECT rowid FROM city_search WHERE city_search MATCH :match))
       AND (:country IS NULL OR c.country = :country) AND c.population >= :minPopulation
     ORDER BY EXISTS (SELECT 1 FROM city_names n WHERE n.id = c.id AND n.key = :key) DESC,
       c.population DESC, c.id
     LIMIT :limit`,
    readCity,
  )
  const named = query(
    database,
    `SELECT ${columns}, c.state FROM cities c
     WHERE c.id IN (SELECT id FROM city_names WHERE key = :key)
     ORDER BY c.population DESC, c.id LIMIT 50`,
    (row) => ({ ...readCity(row), state: String(row.state) }),
  )
  const inBox = query(
    database,
    `SELECT ${columns} FROM city_box b JOIN cities c USING (id)
     WHERE b.north >= :south AND b.south <= :north AND b.east >= :west AND b.west <= :east`,
    readCity,
  )
  const beginning = query(
    database,
    `SELECT c.name, c.province, c.country FROM cities c
     WHERE c.id IN (SELECT id FROM city_names WHERE key >= :key AND key < :key || char(0x10FFFF))
     ORDER BY c.population DESC, c.id LIMIT 20`,
    (row) =>
      cityLabel({
        name: String(row.name),
        province: String(row.province),
        country: String(row.country),
      }),
  )

  return {
    search(options: {
      text: string | undefined
      country: string | undefined
      minPopulation: number
      limit: number
    }) {
      return search({
        match: options.text === undefined ? null : matchAll(options.text),
        key: fold(options.text ?? ''),
        country: options.country ?? null,
        minPopulation: options.minPopulation,
        limit: options.limit,
      })
    },

    /** The cities of exactly this name, largest first. */
    named(name: string) {
      return named({ key: fold(name) })
    },

    /** The city nearest to a point, if there is one within 1000 km. */
    nearest(centre: Point): City | undefined {
      for (const radiusKm of [50, 200, 1000]) {
        const [nearest] = boxesAround(centre, radiusKm)
          .flatMap((box) => inBox({ ...box }))
          .map((city) => ({ city, distance: distanceKm(centre, city) }))
          .filter(({ distance }) => distance <= radiusKm)
          .sort((a, b) => a.distance - b.distance)
        if (nearest !== undefined) return nearest.city
      }
      return undefined
    },

    /** Labels of the largest cities whose name begins so. */
    complete(text: string): string[] {
      return beginning({ key: fold(text) })
    },
  }
}
