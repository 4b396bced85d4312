import { createRequire } from 'node:module'
import { z } from 'zod'

/** A country or territory of ISO 3166-1, or Kosovo. */
export interface Country {
  code: string
  code3: string
  name: string
  officialName: string
  /** Every other name it is found by: alternative spellings, native names, translations. */
  otherNames: string[]
  capitals: string[]
  region: string
  subregion: string
  areaKm2: number | null
  landlocked: boolean
  independent: boolean
  unMember: boolean
  languages: string[]
  currencies: { code: string; name: string }[]
  /** Two-letter codes of the countries that share a land border with it. */
  neighbours: string[]
  flag: string
}

export interface City {
  name: string
  asciiName: string
  province: string
  /** Postal abbreviation of a state of the USA, otherwise empty. */
  state: string
  country: string
  latitude: number
  longitude: number
  population: number
  zone: string | null
}

export const airportSizes = ['large', 'medium', 'small', 'seaplane base', 'heliport'] as const
export type AirportSize = (typeof airportSizes)[number]

export interface Airport {
  iata: string
  icao: string
  name: string
  country: string
  latitude: number
  longitude: number
  size: AirportSize
  scheduled: boolean
  runwayFt: number | null
  zone: string | null
  website: string
}

// The packages' own type declarations promise more than their data keeps (numbers where strings are
// declared, `null` where a name is), so the data is read as unknown and checked here.
const load = createRequire(import.meta.url)

const degrees = (limit: number) =>
  // Five decimals are a metre.
  z
    .number()
    .min(-limit)
    .max(limit)
    .transform((value) => Math.round(value * 1e5) / 1e5)
const latitude = degrees(90)
const longitude = degrees(180)
const names = z.object({ common: z.string(), official: z.string() })

const rawCountries = z.array(
  z.object({
    cca2: z.string().length(2),
    cca3: z.string().length(3),
    name: names.extend({ native: z.record(z.string(), names) }),
    altSpellings: z.array(z.string()),
    translations: z.record(z.string(), names),
    capital: z.array(z.string()),
    region: z.string(),
    subregion: z.string(),
    area: z.number(),
    landlocked: z.boolean(),
    independent: z.boolean().nullable(),
    unMember: z.boolean(),
    languages: z.record(z.string(), z.string()),
    currencies: z.record(z.string(), z.object({ name: z.string() })),
    borders: z.array(z.string()),
    flag: z.string(),
  }),
)

const rawCities = z.object({
  cityMapping: z.array(
    z.object({
      city: z.string(),
      city_ascii: z.string(),
      province: z.string(),
      state_ansi: z.string().default(''),
      iso3: z.string(),
      lat: latitude,
      lng: longitude,
      pop: z.number(),
      timezone: z.string().nullable(),
    }),
  ),
})

const rawAirports = z.array(
  z.object({
    iata: z.string(),
    icao: z.union([z.string(), z.number()]),
    airport: z.string(),
    country_code: z.string(),
    latitude,
    longitude,
    type: z.string(),
    scheduled_service: z.string(),
    runway_length: z.number().nullable(),
    time: z.string(),
    website: z.string(),
  }),
)
const airportPackage = z.object({
  findAirports: z.function({ input: [z.object({})], output: z.promise(rawAirports) }),
})

export interface AtlasData {
  countries: Country[]
  cities: City[]
  airports: Airport[]
}

/** Reads the three data packages. */
export async function readData(): Promise<AtlasData> {
  const countries = readCountries()
  const codes = new Map(countries.map((country) => [country.code3, country.code]))
  const known = new Set(codes.values())
  const airports = await readAirports()
  return {
    countries,
    cities: readCities(codes),
    airports: airports.filter((airport) => known.has(airport.country)),
  }
}

function readCountries(): Country[] {
  const raw = rawCountries.parse(load('world-countries'))
  const codes = new Map(raw.map((country) => [country.cca3, country.cca2]))
  return raw.map((country) => ({
    code: country.cca2,
    code3: country.cca3,
    name: country.name.common,
    officialName: country.name.official,
    otherNames: [
      ...country.altSpellings,
      ...Object.values(country.name.native).flatMap(({ common, official }) => [common, official]),
      ...Object.values(country.translations).map(({ common }) => common),
    ],
    capitals: country.capital,
    region: country.region,
    subregion: country.subregion,
    areaKm2: country.area > 0 ? country.area : null,
    landlocked: country.landlocked,
    independent: country.independent ?? false,
    unMember: country.unMember,
    languages: Object.values(country.languages),
    currencies: Object.entries(country.currencies).map(([code, { name }]) => ({ code, name })),
    neighbours: country.borders.flatMap((code3) => codes.get(code3) ?? []),
    flag: country.flag,
  }))
}

// What the city data calls its own way, under the code that the country data knows.
const codeAliases = new Map([
  ['KOS', 'UNK'],
  ['SOL', 'SOM'],
])

function readCities(codes: Map<string, string>): City[] {
  return rawCities.parse(load('city-timezones')).cityMapping.flatMap((city) => {
    const country = codes.get(codeAliases.get(city.iso3) ?? city.iso3)
    if (country === undefined) return []
    return {
      name: city.city,
      asciiName: city.city_ascii,
      province: city.province,
      state: city.state_ansi,
      country,
      latitude: city.lat,
      longitude: city.lng,
      population: Math.max(0, Math.round(city.pop)),
      zone: city.timezone === null ? null : timeZone(city.timezone),
    }
  })
}

const sizesByType = new Map<string, AirportSize>([
  ['large_airport', 'large'],
  ['medium_airport', 'medium'],
  ['small_airport', 'small'],
  ['seaplane_base', 'seaplane base'],
  ['heliport', 'heliport'],
])

async function readAirports(): Promise<Airport[]> {
  const { findAirports } = airportPackage.parse(load('airport-data-js'))
  const raw = await findAirports({})
  return raw.flatMap((airport) => {
    const size = sizesByType.get(airport.type)
    if (size === undefined || !/^[A-Z]{3}$/.test(airport.iata)) return []
    // Airlines sell tickets for trains too, so stations have codes.
    if (/\b(railway|train|bus) (station|terminal)\b/i.test(airport.airport)) return []
    return {
      iata: airport.iata,
      icao: String(airport.icao),
      name: airport.airport,
      country: airport.country_code,
      latitude: airport.latitude,
      longitude: airport.longitude,
      size,
      scheduled: airport.scheduled_service === 'TRUE',
      runwayFt: airport.runway_length,
      zone: timeZone(airport.time),
      website: airport.website,
    }
  })
}

// Intl lists one name of each zone; the data also uses others, which only a formatter can judge.
const zones = new Map<string, string | null>()
for (const zone of Intl.supportedValuesOf('timeZone')) zones.set(zone, zone)

/** The IANA name of a time zone, or `null` for a text that names none. */
function timeZone(text: string): string | null {
  let zone = zones.get(text)
  if (zone === undefined) {
    const name = text.replaceAll(' ', '')
    try {
      new Intl.DateTimeFormat('en', { timeZone: name })
      zone = name
    } catch {
      zone = null
    }
    zones.set(text, zone)
  }
  return zone
}
