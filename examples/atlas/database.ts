import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite'
import { type Airport, type AtlasData, airportSizes, type City, type Country } from './data.ts'
import { Mistake } from './mistake.ts'

const schema = `
  CREATE TABLE countries (
    id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, name TEXT NOT NULL
  ) STRICT;
  CREATE TABLE country_names (key TEXT NOT NULL, code TEXT NOT NULL) STRICT;
  CREATE VIRTUAL TABLE country_search USING fts5(
    names, region, languages, currencies, tokenize = 'unicode61 remove_diacritics 2'
  );

  CREATE TABLE cities (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, province TEXT NOT NULL,
    state TEXT NOT NULL, country TEXT NOT NULL REFERENCES countries(code),
    latitude REAL NOT NULL, longitude REAL NOT NULL, population INTEGER NOT NULL, zone TEXT
  ) STRICT;
  CREATE TABLE city_names (key TEXT NOT NULL, id INTEGER NOT NULL) STRICT;
  CREATE VIRTUAL TABLE city_search USING fts5(
    names, place, tokenize = 'unicode61 remove_diacritics 2'
  );
  CREATE VIRTUAL TABLE city_box USING rtree(id, south, north, west, east);

  CREATE TABLE airports (
    id INTEGER PRIMARY KEY, iata TEXT NOT NULL UNIQUE, icao TEXT NOT NULL, name TEXT NOT NULL,
    country TEXT NOT NULL REFERENCES countries(code), latitude REAL NOT NULL,
    longitude REAL NOT NULL, size INTEGER NOT NULL, scheduled INTEGER NOT NULL,
    runway_ft INTEGER, zone TEXT, website TEXT NOT NULL, near TEXT NOT NULL DEFAULT ''
  ) STRICT;
  CREATE VIRTUAL TABLE airport_search USING fts5(
    text, tokenize = 'unicode61 remove_diacritics 2'
  );
  CREATE VIRTUAL TABLE airport_box USING rtree(id, south, north, west, east);
`

// Indexes are cheaper to build once the rows are there.
const indexes = `
  CREATE INDEX country_name ON country_names (key, code);
  CREATE INDEX city_name ON city_names (key, id);
  CREATE INDEX city_names_of ON city_names (id);
  CREATE INDEX city_country ON cities (country, population);
  CREATE INDEX airport_icao ON airports (icao);
  CREATE INDEX airport_country ON airports (country, size);
`

// Some 50 cities come without a time zone: they get that of the nearest airport in their country.
const fillCityZones = `
  UPDATE cities SET zone = (
    SELECT a.zone FROM airport_box b JOIN airports a USING (id)
    WHERE b.south BETWEEN cities.latitude - 5 AND cities.latitude + 5
      AND b.west BETWEEN cities.longitude - 8 AND cities.longitude + 8
      AND a.country = cities.country
    ORDER BY pow(a.latitude - cities.latitude, 2)
      + pow((a.longitude - cities.longitude) * cos(radians(cities.latitude)), 2)
    LIMIT 1
  ) WHERE zone IS NULL;
`

// Airports come without the city they serve. The largest city around, weighed by its distance, is
// what a traveller has in mind: New York for Newark, London for Gatwick.
const fillNearCities = `
  UPDATE airports SET near = coalesce((
    SELECT c.name FROM city_box b JOIN cities c USING (id)
    WHERE b.south BETWEEN airports.latitude - 0.7 AND airports.latitude + 0.7
      AND b.west BETWEEN airports.longitude - 0.7 / cos(radians(airports.latitude))
                     AND airports.longitude + 0.7 / cos(radians(airports.latitude))
    ORDER BY c.population / (0.02 + pow(c.latitude - airports.latitude, 2)
      + pow((c.longitude - airports.longitude) * cos(radians(airports.latitude)), 2)) DESC
    LIMIT 1
  ), '');
`

const indexText = `
  INSERT INTO city_search (rowid, names, place)
    SELECT c.id, (SELECT group_concat(n.key, ' ') FROM city_names n WHERE n.id = c.id),
      c.province || ' ' || c.state || ' ' || c.country || ' ' || o.name
    FROM cities c JOIN countries o ON o.code = c.country;
  INSERT INTO airport_search (rowid, text)
    SELECT a.id, a.iata || ' ' || a.icao || ' ' || a.name || ' ' || a.near || ' ' || o.name
    FROM airports a JOIN countries o ON o.code = a.country;
`

/** A name as names are compared: no accents, no case, no punctuation. */
export function fold(text: string): string {
  const plain = text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
  return plain.replace(/[^\p{L}\p{N}]+/gu, ' ').trim()
}

/**
 * Text for a full-text MATCH that finds what holds every word, each as the beginning of a word.
 * Quoting keeps the query syntax of FTS5 out of the reader's reach.
 */
export function matchAll(text: string): string {
  const words = text.match(/[\p{L}\p{N}\p{M}]+/gu)
  if (words === null) throw new Mistake(`"${text}" holds no letter or digit to search for.`)
  return words.map((word) => `"${word}"*`).join(' ')
}

type Row = Record<string, SQLOutputValue>
type Parameters = Record<string, SQLInputValue>

/** A prepared SELECT as a function from its named parameters to what `read` makes of each row. */
export function query<Item>(database: DatabaseSync, sql: string, read: (row: Row) => Item) {
  const statement = database.prepare(sql)
  return (parameters: Parameters): Item[] => statement.all(parameters).map(read)
}

/** The same for a SELECT with a LIMIT, and a column `total` for the number of rows without it. */
export function pageQuery<Item>(database: DatabaseSync, sql: string, read: (row: Row) => Item) {
  const statement = database.prepare(sql)
  return (parameters: Parameters): { total: number; items: Item[] } => {
    const rows = statement.all(parameters)
    return { total: Number(rows[0]?.total ?? 0), items: rows.map(read) }
  }
}

/** Puts the data into an in-memory SQLite database with full-text and spatial indexes. */
export function createDatabase(data: AtlasData): DatabaseSync {
  const database = new DatabaseSync(':memory:')
  database.exec(schema)
  database.exec('BEGIN')
  addCountries(database, data.countries)
  addCities(database, data.cities)
  addAirports(database, data.airports)
  for (const sql of [indexes, fillCityZones, fillNearCities, indexText]) database.exec(sql)
  database.exec('COMMIT')
  return database
}

/** One prepared INSERT, as a function that takes the values in the order of `columns`. */
function inserter(database: DatabaseSync, table: string, columns: string) {
  const marks = columns.replace(/\w+/g, '?')
  const statement = database.prepare(`INSERT INTO ${table} (${columns}) VALUES (${marks})`)
  return (...values: SQLInputValue[]): void => {
    statement.run(...values)
  }
}

function addCountries(database: DatabaseSync, countries: Country[]): void {
  const add = inserter(database, 'countries', 'id, code, name')
  const addName = inserter(database, 'country_names', 'key, code')
  const addText = inserter(
    database,
    'country_search',
    'rowid, names, region, languages, currencies',
  )
  for (const [id, country] of countries.entries()) {
    const { code, code3, name, officialName, otherNames, capitals, currencies } = country
    const names = new Set([code, code3, name, officialName, ...otherNames].map(fold))
    add(id, code, name)
    for (const key of names) addName(key, code)
    addText(
      id,
      [...names, ...capitals].join(' '),
      `${country.region} ${country.subregion}`,
      country.languages.join(' '),
      currencies.map((currency) => `${currency.code} ${currency.name}`).join(' '),
    )
  }
}

function addCities(database: DatabaseSync, cities: City[]): void {
  const add = inserter(
    database,
    'cities',
    'id, name, province, state, country, latitude, longitude, population, zone',
  )
  const addName = inserter(database, 'city_names', 'key, id')
  const addBox = inserter(database, 'city_box', 'id, south, north, west, east')
  for (const [id, city] of cities.entries()) {
    const { name, province, state, country, latitude, longitude, population, zone } = city
    add(id, name, province, state, country, latitude, longitude, population, zone)
    for (const key of new Set([fold(name), fold(city.asciiName)])) addName(key, id)
    addBox(id, latitude, latitude, longitude, longitude)
  }
}

function addAirports(database: DatabaseSync, airports: Airport[]): void {
  const add = inserter(
    database,
    'airports',
    'id, iata, icao, name, country, latitude, longitude, size, scheduled, runway_ft, zone, website',
  )
  const addBox = inserter(database, 'airport_box', 'id, south, north, west, east')
  for (const [id, airport] of airports.entries()) {
    const { iata, icao, name, country, latitude, longitude, runwayFt, zone, website } = airport
    const size = airportSizes.indexOf(airport.size)
    const scheduled = airport.scheduled ? 1 : 0
    add(
      id,
      iata,
      icao,
      name,
      country,
      latitude,
      longitude,
      size,
      scheduled,
      runwayFt,
      zone,
      website,
    )
    addBox(id, latitude, latitude, longitude, longitude)
  }
}
