/**
 * The smallest server worth having: one tool, with its input and output described by zod.
 *
 *     tsmcp serve examples/weather.ts
 */
import { defineServer } from 'tsmcp'
import { z } from 'zod'

/** Mean temperatures of January and July in °C, and the days with rain in a year, rounded. */
const climates = {
  Berlin: { january: 1, july: 20, rainyDays: 106 },
  Cairo: { january: 14, july: 29, rainyDays: 4 },
  Lisbon: { january: 12, july: 23, rainyDays: 77 },
  Oslo: { january: -4, july: 18, rainyDays: 113 },
  Singapore: { january: 27, july: 28, rainyDays: 167 },
  Sydney: { january: 23, july: 13, rainyDays: 100 },
}
const cities = ['Berlin', 'Cairo', 'Lisbon', 'Oslo', 'Singapore', 'Sydney'] as const

const server = defineServer({ name: 'weather', version: '1.0.0' })

server.tool(
  'typical_weather',
  {
    title: 'Typical weather',
    description: 'Tells what the weather of a city is usually like in a month of the year.',
    annotations: { readOnlyHint: true },
    input: z.object({
      city: z.enum(cities),
      month: z.int().min(1).max(12).default(7).describe('1 is January.'),
    }),
    output: z.object({ celsius: z.number(), chance_of_rain: z.number() }),
  },
  ({ city, month }) => {
    const { january, july, rainyDays } = climates[city]
    // A year is close to a wave with its turning points in January and July.
    const towardsJuly = (1 - Math.cos(((month - 1) * Math.PI) / 6)) / 2
    return {
      celsius: Math.round(january + (july - january) * towardsJuly),
      chance_of_rain: Math.round((rainyDays / 365) * 100) / 100,
    }
  },
)

export default server
