import type { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { airportSizes } from './data.ts'
import { fold, matchAll, pageQuery, query } from './database.ts'
import { boxesAround, distanceKm, type Point, rounded } from './sphere.ts'

export const airportShape = z.object({
  iata: z.string(),
  icao: z.string().describe('Empty where none is assigned.'),
  name: z.string(),
  near: z.string().describe('The largest city around; empty where there is none.'),
  country: z.string().describe('Two-letter code of ISO 3166-1.'),
  latitude: z.number(),
  longitude: z.number(),
  size: z.enum(airportSizes),
  scheduled: z.boolean().describe('Whether it has scheduled flights.'),
  runway_ft: z.number().nullable().describe('Length of the longest runway, in feet.'),
  time_zone: z.string().nullable(),
  website: z.string().describe('Empty where none is known.'),
})
export type Airport = z.infer<typeof airportShape>

const columns = `a.iata, a.icao, a.name, a.near, a.country, a.latitude, a.longitude, a.size,
  a.scheduled, a.runway_ft, a.zone AS time_zone, a.website`

/** What can be asked about airports. Values are bound to parameters, never spliced into SQL. */
export function airportQueries(database: DatabaseSync) {
  const readAirport = (row: Record<string, unknown>): Airport =>
    airportShape.parse({
      ...row,
      size: airportSizes[Number(row.size)],
      scheduled: row.scheduled === 1,
    })
  const search = pageQuery(
    database,
    `SELECT ${columns}, count(*) OVER () AS total FROM airports a
     WHERE (:match IS NULL
         OR a.id IN (SELECT rowid FROM airport_search WHERE airport_search MATCH :match))
       AND (:country IS NULL OR a.country = :country) AND a.scheduled >= :scheduled
     ORDER BY a.iata = :code DESC, a.icao = :code DESC, a.scheduled DESC, a.size,
       a.runway_ft DESC NULLS LAST, a.id
     LIMIT :limit`,
    readAirport,
  )
  const withCode = query(
    database,
    `SELECT ${columns} FROM airports a WHERE a.iata = :code OR (a.icao = :code AND a.icao <> '')
     ORDER BY a.iata = :code DESC LIMIT 1`,
    readAirport,
  )
  const inBox = query(
    database,
    `SELECT ${columns} FROM airport_box b JOIN airports a USING (id)
     WHERE b.north >= :south AND b.south <= :north AND b.east >= :west AND b.west <= :east
       AND a.scheduled >= :scheduled`,
    readAirport,
  )
  const codes = query(
    database,
    `SELECT a.iata FROM airports a
     WHERE (a.iata >= :code AND a.iata < :code || '~')
        OR (:match IS NOT NULL
          AND a.id IN (SELECT rowid FROM airport_search WHERE airport_search MATCH :match))
     ORDER BY a.iata >= :code AND a.iata < :code || '~' DESC, a.scheduled DESC, a.size, a.iata
     LIMIT 20`,
    (row) => String(row.iata),
  )

  return {
    search(options: {
      text: string | undefined
      country: string | undefined
      scheduledOnly: boolean
      limit: number
    }) {
      return search({
        match: options.text === undefined ? null : matchAll(options.text),
        code: options.text?.trim().toUpperCase() ?? '',
        country: options.country ?? null,
        scheduled: Number(options.scheduledOnly),
        limit: options.limit,
      })
    },

    /** The airport with this IATA or ICAO code. */
    withCode(code: string): Airport | undefined {
      return withCode({ code: code.trim().toUpperCase() })[0]
    },

    /** The airports around a point, nearest first. */
    around(centre: Point, options: { radiusKm: number; scheduledOnly: boolean }) {
      const scheduled = Number(options.scheduledOnly)
      return boxesAround(centre, options.radiusKm)
        .flatMap((box) => inBox({ ...box, scheduled }))
        .map((airport) => ({ ...airport, distance_km: distanceKm(centre, airport) }))
        .filter((airport) => airport.distance_km <= options.radiusKm)
        .sort((a, b) => a.distance_km - b.distance_km)
        .map((airport) => ({ ...airport, distance_km: rounded(airport.distance_km) }))
    },

    /** IATA codes for a beginning of a code, of a name or of a city. */
    complete(beginning: string): string[] {
      const match = fold(beginning).length < 3 ? null : matchAll(beginning)
      return codes({ code: beginning.trim().toUpperCase(), match })
    },
  }
}
