import { scheduler } from 'node:timers/promises'
import type { Context, Server } from 'tsmcp'
import { z } from 'zod'
import type { Atlas } from './atlas.ts'
import { cityLabel } from './cities.ts'
import { wallTime } from './clock.ts'
import { countryText } from './countries.ts'
import { Mistake } from './mistake.ts'
import { findPlace, type Place, placeShape, placeText } from './places.ts'
import { distanceKm, initialBearing, rounded } from './sphere.ts'
import { improveTour } from './tour.ts'

const annotations = { readOnlyHint: true, idempotentHint: true, openWorldHint: false }

/** Adds the tools for travellers. */
export function addTravelTools(server: Server, atlas: Atlas): void {
  server.tool(
    'distance',
    {
      title: 'Distance',
      description: 'Measures the great-circle distance between two places.',
      annotations,
      input: z.object({ from: placeText, to: placeText }),
      output: z.object({
        from: placeShape,
        to: placeShape,
        km: z.number(),
        miles: z.number(),
        nautical_miles: z.number(),
        initial_bearing_degrees: z.number().describe('Course at the start, clockwise from north.'),
      }),
    },
    async (args, context) => {
      const from = await findPlace(atlas, args.from, context, 'from')
      const to = await findPlace(atlas, args.to, context, 'to')
      const km = distanceKm(from, to)
      return {
        from,
        to,
        km: rounded(km),
        miles: rounded(km / 1.609344),
        nautical_miles: rounded(km / 1.852),
        initial_bearing_degrees: rounded(initialBearing(from, to)),
      }
    },
  )

  server.tool(
    'route',
    {
      title: 'Route with several legs',
      description: 'Adds up the great-circle legs of a journey in the order given.',
      annotations,
      input: z.object({
        stops: z.array(placeText).min(2).max(20),
        return_to_start: z.boolean().default(false),
      }),
      output: z.object({
        legs: z.array(
          z.object({
            from: z.string(),
            to: z.string(),
            km: z.number(),
            flight_hours: z.number().describe('Rough: 850 km/h and half an hour on the ground.'),
          }),
        ),
        total_km: z.number(),
      }),
    },
    async ({ stops, return_to_start }, context) => {
      const places = await findPlaces(atlas, stops, context)
      const goals = return_to_start ? [...places.slice(1), ...places.slice(0, 1)] : places.slice(1)
      const legs = goals.flatMap((to, index) => {
        const from = places[index]
        if (from === undefined) return []
        const km = rounded(distanceKm(from, to))
        return { from: from.label, to: to.label, km, flight_hours: rounded(km / 850 + 0.5) }
      })
      return { legs, total_km: rounded(legs.reduce((sum, { km }) => sum + km, 0)) }
    },
  )

  server.tool(
    'local_time',
    {
      title: 'Local time',
      description:
        'Tells the local time and date in a place, now or at another instant, with the offset ' +
        'from UTC that is in force there then.',
      annotations: { ...annotations, idempotentHint: false },
      input: z.object({
        place: placeText,
        at: z.iso
          .datetime({ offset: true })
          .optional()
          .describe('Another instant in ISO 8601, for instance "2026-12-24T18:00:00Z".'),
      }),
      output: z.object({
        place: placeShape,
        time_zone: z.string(),
        time_zone_name: z.string(),
        local_time: z.string().describe('ISO 8601 with the offset from UTC.'),
        weekday: z.string(),
        utc_offset: z.string(),
      }),
    },
    async ({ place: text, at }, context) => {
      const place = await findPlace(atlas, text, context, 'place')
      if (place.time_zone === null)
        throw new Mistake(`The time zone of ${place.label} is not known.`)
      const time = wallTime(at === undefined ? new Date() : new Date(at), place.time_zone)
      return {
        place,
        time_zone: place.time_zone,
        time_zone_name: time.zoneName,
        local_time: time.iso,
        weekday: time.weekday,
        utc_offset: time.offset,
      }
    },
  )

  server.tool(
    'shortest_tour',
    {
      title: 'Shortest round trip',
      description:
        'Looks for the shortest round trip through the places given, or through the largest ' +
        'cities of a country, along great circles. It reports progress and can be cancelled; ' +
        'more rounds take longer and may find a shorter trip.',
      annotations,
      input: z
        .object({
          places: z.array(placeText).min(3).max(50).optional(),
          country: countryText.optional(),
          cities: z.int().min(3).max(300).default(20).describe('How many cities of the country.'),
          rounds: z.int().min(0).max(5000).default(200),
        })
        .refine(({ places, country }) => (places === undefined) !== (country === undefined), {
          error: 'Give either places or a country.',
        }),
      output: z.object({
        total_km: z.number(),
        first_guess_km: z.number().describe('Length when always going on to the nearest place.'),
        stops: z.array(placeShape.extend({ km_from_previous: z.number() })),
      }),
    },
    async ({ places, country, cities, rounds }, context) => {
      const stops =
        places === undefined
          ? largestCities(atlas, country ?? '', cities)
          : await findPlaces(atlas, places, context)
      if (stops.length < 3) throw new Mistake(`A round trip needs 3 places, not ${stops.length}.`)
      return await findTour(stops, rounds, context)
    },
  )
}

/** Finds one after the other, for each may have to be asked for. */
async function findPlaces(atlas: Atlas, texts: string[], context: Context): Promise<Place[]> {
  const places: Place[] = []
  for (const [index, text] of texts.entries()) {
    places.push(await findPlace(atlas, text, context, `place_${index + 1}`))
  }
  return places
}

function largestCities(atlas: Atlas, countryText: string, limit: number): Place[] {
  const country = atlas.countries.find(countryText).code
  const { items } = atlas.cities.search({ text: undefined, country, minPopulation: 0, limit })
  return items.map((city) => ({ ...city, label: cityLabel(city) }))
}

async function findTour(stops: Place[], rounds: number, context: Context) {
  const tours = improveTour(stops, rounds)
  const first = tours.next().value
  let step = tours.next()
  let lastPause = performance.now()
  for (let round = 0; step.done !== true; round += 1) {
    // Others wait for the same thread: let them in 50 times a second, and hear of a cancellation.
    if (round === 0 || performance.now() - lastPause > 20) {
      context.progress(round, rounds, `${Math.round(step.value.lengthKm)} km`)
      await scheduler.yield()
      context.signal.throwIfAborted()
      lastPause = performance.now()
    }
    step = tours.next()
  }
  const best = step.value
  context.progress(rounds, rounds, `${Math.round(best.lengthKm)} km`)

  const ordered = best.order.flatMap((index) => stops[index] ?? [])
  return {
    total_km: rounded(best.lengthKm),
    first_guess_km: rounded(first.lengthKm),
    stops: ordered.map((stop, index) => ({
      label: stop.label,
      latitude: stop.latitude,
      longitude: stop.longitude,
      time_zone: stop.time_zone,
      km_from_previous: rounded(distanceKm(ordered.at(index - 1) ?? stop, stop)),
    })),
  }
}
