/** What a wall clock and a calendar show in a time zone. */
export interface WallTime {
  /** ISO 8601 with the zone's offset. */
  iso: string
  weekday: string
  /** `+02:00` */
  offset: string
  /** `Central European Summer Time` */
  zoneName: string
}

/** The local time of an instant. The rules of the zones are those of Node's ICU. */
export function wallTime(instant: Date, timeZone: string): WallTime {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'long',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'longOffset',
  })
  const parts = new Map(format.formatToParts(instant).map(({ type, value }) => [type, value]))
  const [year, month, day] = ['year', 'month', 'day'].map((type) => parts.get(type as 'year'))
  const [hour, minute, second] = ['hour', 'minute', 'second'].map((type) =>
    parts.get(type as 'hour'),
  )
  const offset = parts.get('timeZoneName')?.slice('GMT'.length) || '+00:00'
  return {
    iso: `${year}-${month}-${day}T${hour}:${minute}:${second}${offset}`,
    weekday: parts.get('weekday') ?? '',
    offset,
    zoneName: zoneName(instant, timeZone),
  }
}

function zoneName(instant: Date, timeZone: string): string {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'long' })
  const part = format.formatToParts(instant).find(({ type }) => type === 'timeZoneName')
  return part?.value ?? timeZone
}
