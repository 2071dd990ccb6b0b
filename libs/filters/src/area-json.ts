import { create } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import { checkKeys, numberIn, objectOf, refuse } from "./checks.js";

/** A box that crosses the antimeridian has its west east of its east. Degrees and metres. */
export type AreaJson =
  | { readonly box: { south: number; west: number; north: number; east: number } }
  | { readonly circle: { latitude: number; longitude: number; radiusM: number } };

/** Half of the earth's circumference, and a little more for whoever computes it on an ellipsoid. */
const FARTHEST_M = 20_100_000;

export function areaOf(json: unknown, at: string): registry.Area {
  const given = objectOf(json, at);
  checkKeys(given, ["box", "circle"], at);
  const { box, circle } = given as { box?: unknown; circle?: unknown };
  if ((box === undefined) === (circle === undefined)) refuse(at, "must be either a box or a circle");
  const shape =
    box === undefined
      ? { case: "circle" as const, value: circleOf(circle, `${at}.circle`) }
      : { case: "box" as const, value: boxOf(box, `${at}.box`) };
  return create(registry.AreaSchema, { shape });
}

function boxOf(json: unknown, at: string): registry.Box {
  const given = objectOf(json, at);
  checkKeys(given, ["south", "west", "north", "east"], at);
  const south = numberIn(given["south"], `${at}.south`, -90, 90);
  const west = numberIn(given["west"], `${at}.west`, -180, 180);
  const north = numberIn(given["north"], `${at}.north`, -90, 90);
  const east = numberIn(given["east"], `${at}.east`, -180, 180);
  if (south > north) refuse(`${at}.south`, "must not be north of north");
  return create(registry.BoxSchema, { south, west, north, east });
}

function circleOf(json: unknown, at: string): registry.Circle {
  const given = objectOf(json, at);
  checkKeys(given, ["latitude", "longitude", "radiusM"], at);
  return create(registry.CircleSchema, {
    latitude: numberIn(given["latitude"], `${at}.latitude`, -90, 90),
    longitude: numberIn(given["longitude"], `${at}.longitude`, -180, 180),
    radiusM: numberIn(given["radiusM"], `${at}.radiusM`, 0, FARTHEST_M),
  });
}

/** Undefined for an area without a shape. */
export function describeArea({ shape }: registry.Area): AreaJson | undefined {
  if (shape.case === "box") {
    const { south, west, north, east } = shape.value;
    return { box: { south, west, north, east } };
  }
  if (shape.case === "circle") {
    const { latitude, longitude, radiusM } = shape.value;
    return { circle: { latitude, longitude, radiusM } };
  }
  return undefined;
}
