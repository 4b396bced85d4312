/** A point in degrees: latitude north, longitude east. */
export interface Point {
  latitude: number
  longitude: number
}

/** South, north, west and east edges, in degrees. */
export interface Box {
  south: number
  north: number
  west: number
  east: number
}

const earthRadiusKm = 6371.0088
const degreesPerKm = 360 / (2 * Math.PI * earthRadiusKm)
const radians = (degrees: number): number => (degrees * Math.PI) / 180

/** Great-circle distance on a sphere of the Earth's mean radius; at most 0.6% off the ellipsoid. */
export function distanceKm(a: Point, b: Point): number {
  const byLatitude = Math.sin(radians(b.latitude - a.latitude) / 2) ** 2
  const byLongitude = Math.sin(radians(b.longitude - a.longitude) / 2) ** 2
  const onParallels = Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude))
  const haversine = byLatitude + onParallels * byLongitude
  return 2 * earthRadiusKm * Math.asin(Math.min(1, Math.sqrt(haversine)))
}

/** A distance or an angle to one decimal: more would pretend to an accuracy that is not there. */
export function rounded(value: number): number {
  return Math.round(value * 10) / 10
}

/** The compass course, 0 to 360 degrees, on which the great circle from `a` to `b` sets out. */
export function initialBearing(a: Point, b: Point): number {
  const [from, to] = [radians(a.latitude), radians(b.latitude)]
  const turn = radians(b.longitude - a.longitude)
  const east = Math.sin(turn) * Math.cos(to)
  const north = Math.cos(from) * Math.sin(to) - Math.sin(from) * Math.cos(to) * Math.cos(turn)
  return ((Math.atan2(east, north) * 180) / Math.PI + 360) % 360
}

/**
 * Boxes that together hold every point within `radiusKm` of the centre: two where the circle
 * crosses the 180th meridian, one that goes round the whole Earth where it holds a pole.
 */
export function boxesAround(centre: Point, radiusKm: number): Box[] {
  const reach = radiusKm * degreesPerKm
  const south = Math.max(-90, centre.latitude - reach)
  const north = Math.min(90, centre.latitude + reach)
  if (south === -90 || north === 90) return [{ south, north, west: -180, east: 180 }]

  const widest = Math.sin(radians(reach)) / Math.cos(radians(centre.latitude))
  const width = (Math.asin(Math.min(1, widest)) * 180) / Math.PI
  const west = centre.longitude - width
  const east = centre.longitude + width
  if (west < -180) {
    return [
      { south, north, west: -180, east },
      { south, north, west: west + 360, east: 180 },
    ]
  }
  if (east > 180) {
    return [
      { south, north, west, east: 180 },
      { south, north, west: -180, east: east - 360 },
    ]
  }
  return [{ south, north, west, east }]
}
