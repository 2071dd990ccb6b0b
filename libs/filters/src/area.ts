import type { registry } from "@fieldlog/contracts";

/** Degrees; west <= east. */
export interface Bounds {
  readonly south: number;
  readonly west: number;
  readonly north: number;
  readonly east: number;
}

/** Mean radius of the earth, in m: distances are those on a sphere. */
const RADIUS_M = 6_371_008.8;
const POLE = 90;
const ANTIMERIDIAN = 180;
/** More than what rounding does to a box around a circle, near a pole as well; about 1 m. */
const SLACK = 1e-5;

const radians = (degrees: number) => (degrees * Math.PI) / 180;
const degrees = (angle: number) => (angle * 180) / Math.PI;

/** Where an event is, if it says so and there is such a place on the earth. */
export function isPlace(latitude: number | undefined, longitude: number | undefined): boolean {
  return Math.abs(latitude ?? Number.NaN) <= POLE && Math.abs(longitude ?? Number.NaN) <= ANTIMERIDIAN;
}

/** Whether an area holds a place on the earth; its border belongs to it. */
export function areaTest({ shape }: registry.Area): (latitude: number, longitude: number) => boolean {
  if (shape.case === "box") return boxTest(shape.value);
  if (shape.case === "circle") return circleTest(shape.value);
  return () => false;
}

/** Whether a place lies within that distance of any of the points. */
export function isNear(
  points: readonly { readonly latitude: number; readonly longitude: number }[],
  withinM: number,
  latitude: number,
  longitude: number,
): boolean {
  return points.some((point) => {
    const circle = { latitude: point.latitude, longitude: point.longitude, radiusM: withinM };
    return circleTest(circle)(latitude, longitude);
  });
}

function boxTest({ south, west, north, east }: registry.Box) {
  const isBetween = (longitude: number) =>
    west <= east ? longitude >= west && longitude <= east : longitude >= west || longitude <= east;
  return (latitude: number, longitude: number) =>
    latitude >= south &&
    latitude <= north &&
    // A pole has every longitude, the antimeridian two.
    (isBetween(longitude) ||
      Math.abs(latitude) === POLE ||
      (Math.abs(longitude) === ANTIMERIDIAN && isBetween(-longitude)));
}

function circleTest({ latitude, longitude, radiusM }: Omit<registry.Circle, "$typeName" | "$unknown">) {
  if (radiusM >= Math.PI * RADIUS_M) return () => true;
  const [centre, meridian] = [radians(latitude), radians(longitude)];
  const limit = Math.sin(radiusM / (2 * RADIUS_M)) ** 2;
  const cosine = Math.cos(centre);
  // Haversines, which unlike the cosine formula are exact for short distances.
  return (atLatitude: number, atLongitude: number) => {
    const parallel = radians(atLatitude);
    const north = Math.sin((parallel - centre) / 2) ** 2;
    const east = Math.sin((radians(atLongitude) - meridian) / 2) ** 2;
    return north + cosine * Math.cos(parallel) * east <= limit;
  };
}

/** Boxes that together hold all of an area, and hardly more. */
export function boundsOf({ shape }: registry.Area): Bounds[] {
  if (shape.case === "box") return divided(shape.value);
  if (shape.case === "circle") return divided(boxAround(shape.value));
  return [];
}

function boxAround({ latitude, longitude, radiusM }: registry.Circle): Bounds {
  const angle = radiusM / RADIUS_M;
  const [south, north] = [latitude - degrees(angle) - SLACK, latitude + degrees(angle) + SLACK];
  if (south <= -POLE || north >= POLE) {
    const whole = { west: -ANTIMERIDIAN, east: ANTIMERIDIAN };
    return { ...whole, south: Math.max(south, -POLE), north: Math.min(north, POLE) };
  }
  const width = degrees(Math.asin(Math.min(1, Math.sin(angle) / Math.cos(radians(latitude))))) + SLACK;
  if (width >= ANTIMERIDIAN) return { south, north, west: -ANTIMERIDIAN, east: ANTIMERIDIAN };
  return { south, north, west: wrapped(longitude - width), east: wrapped(longitude + width) };
}

function wrapped(longitude: number): number {
  if (longitude < -ANTIMERIDIAN) return longitude + 2 * ANTIMERIDIAN;
  return longitude > ANTIMERIDIAN ? longitude - 2 * ANTIMERIDIAN : longitude;
}

function divided({ south, west, north, east }: Bounds): Bounds[] {
  if (south <= -POLE || north >= POLE) return [{ south, north, west: -ANTIMERIDIAN, east: ANTIMERIDIAN }];
  if (west <= east) return [{ south, west, north, east }];
  return [
    { south, west, north, east: ANTIMERIDIAN },
    { south, west: -ANTIMERIDIAN, north, east },
  ];
}
