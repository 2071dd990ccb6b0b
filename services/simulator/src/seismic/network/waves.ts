/**
 * How an earthquake reaches a station: a uniform earth, one P wave, and a ground motion that falls with
 * distance. Coarse on purpose; close enough that distances, delays and amplitudes look like real ones.
 */

/** A place on the ground, in degrees. */
export interface Place {
  readonly latitude: number;
  readonly longitude: number;
}

export interface Source extends Place {
  readonly depthKm: number;
  readonly magnitude: number;
}

/** Speed of the P wave in the earth's crust. */
const WAVE_KM_PER_S = 6;

/**
 * Peak acceleration in g from which a station picks. Real community stations begin near 0.005 g; these
 * are fifty times as sensitive, so that the week's many small earthquakes are seen as well.
 */
export const PICK_THRESHOLD_G = 0.0001;

/** What an accelerometer of this kind can measure at most, in g. */
export const FULL_SCALE_G = 2;

const EARTH_RADIUS_KM = 6371;
const radians = (degrees: number) => (degrees * Math.PI) / 180;
const degrees = (angle: number) => (angle * 180) / Math.PI;

/** Along the ground, in km. */
export function surfaceKm(a: Place, b: Place): number {
  const [phiA, phiB] = [radians(a.latitude), radians(b.latitude)];
  const half =
    Math.sin((phiB - phiA) / 2) ** 2 +
    Math.cos(phiA) * Math.cos(phiB) * Math.sin(radians(b.longitude - a.longitude) / 2) ** 2;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(half)));
}

/** From the source under the ground to the place on it, in km; at least 1. */
export function hypocentralKm(source: Source, place: Place): number {
  return Math.max(1, Math.hypot(surfaceKm(source, place), source.depthKm));
}

/** Milliseconds from the origin time to the wave's arrival. */
export function travelMs(source: Source, place: Place): number {
  return Math.round((hypocentralKm(source, place) / WAVE_KM_PER_S) * 1000);
}

/** Peak acceleration in g at a hypocentral distance in km: doubles with each half magnitude. */
export function peakG(magnitude: number, km: number): number {
  return Math.min(FULL_SCALE_G, 10 ** (0.6 * magnitude - 2.3 - 1.5 * Math.log10(km) - 0.002 * km));
}

/** The hypocentral distance in km up to which stations pick; 0 if even the nearest ones do not. */
export function reachKm(magnitude: number): number {
  if (peakG(magnitude, 1) < PICK_THRESHOLD_G) return 0;
  let [near, far] = [1, 2 * Math.PI * EARTH_RADIUS_KM];
  while (far - near > 0.01) {
    const middle = (near + far) / 2;
    if (peakG(magnitude, middle) >= PICK_THRESHOLD_G) near = middle;
    else far = middle;
  }
  return near;
}

/** The place at a distance in km and an azimuth in degrees clockwise from north. */
export function placeAt(from: Place, km: number, azimuth: number): Place {
  const [phi, angle, bearing] = [radians(from.latitude), km / EARTH_RADIUS_KM, radians(azimuth)];
  const latitude = Math.asin(
    Math.sin(phi) * Math.cos(angle) + Math.cos(phi) * Math.sin(angle) * Math.cos(bearing),
  );
  const longitude = Math.atan2(
    Math.sin(bearing) * Math.sin(angle) * Math.cos(phi),
    Math.cos(angle) - Math.sin(phi) * Math.sin(latitude),
  );
  return {
    latitude: degrees(latitude),
    longitude: ((degrees(longitude) + from.longitude + 540) % 360) - 180,
  };
}

/** Where the one place lies as seen from the other: degrees clockwise from north, 0 to 360. */
export function azimuth(from: Place, to: Place): number {
  const [phiA, phiB] = [radians(from.latitude), radians(to.latitude)];
  const turn = radians(to.longitude - from.longitude);
  const east = Math.sin(turn) * Math.cos(phiB);
  const north = Math.cos(phiA) * Math.sin(phiB) - Math.sin(phiA) * Math.cos(phiB) * Math.cos(turn);
  return (degrees(Math.atan2(east, north)) + 360) % 360;
}

/**
 * The first motion at a station as its accelerometer tells it: [N, E, Z] in g, away from the source and
 * upwards, the E axis reversed as in the network's real stations.
 */
export function reading(source: Source, place: Place): [number, number, number] {
  const km = hypocentralKm(source, place);
  const peak = peakG(source.magnitude, km);
  const steepness = Math.atan2(Math.max(0, source.depthKm), surfaceKm(source, place));
  const away = radians(azimuth(source, place));
  const horizontal = peak * Math.cos(steepness);
  const round = (value: number) => Math.round(value * 1e6) / 1e6 || 0;
  return [
    round(horizontal * Math.cos(away)),
    round(-horizontal * Math.sin(away)),
    round(peak * Math.sin(steepness)),
  ];
}
