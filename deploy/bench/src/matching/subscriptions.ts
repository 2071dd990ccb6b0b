import type { registry } from "@fieldlog/contracts";
import { type FilterJson, parseFilter } from "@fieldlog/filters";
import type { Chance } from "./chance.js";
import { ACTIONS, DEVICES, KINDS, NAMES, ROOMS, SENSOR_TYPES } from "./events.js";

/** What people and programs subscribe to, and how many of a hundred do so. */
const MIX: readonly (readonly [share: number, filter: (chance: Chance) => FilterJson])[] = [
  // Somebody looks at one device.
  [30, (chance) => ({ devices: [aDevice(chance)] })],
  // A thing reacts to what happens in its room.
  [20, (chance) => ({ names: [aName(chance)], places: [aRoom(chance)] })],
  [10, (chance) => ({ names: [`${chance.of(NAMES)}*`], places: [aRoom(chance), aRoom(chance)] })],
  // An alarm.
  [
    10,
    (chance) => ({
      devices: [aDevice(chance)],
      conditions: [{ field: "value", op: ">", value: chance.below(100) }],
    }),
  ],
  // A region that shakes.
  [
    10,
    (chance) => ({
      area: { circle: { ...aPlace(chance), radiusM: chance.between(500, 50_000) } },
      conditions: [{ field: "magnitude", op: ">=", value: chance.between(1, 3) }],
    }),
  ],
  // A range of what data say.
  [
    8,
    (chance) => {
      const least = chance.between(20, 40);
      const field = "data.temperature";
      return {
        sensorTypes: [chance.of(SENSOR_TYPES)],
        conditions: [
          { field, op: ">", value: least },
          { field, op: "<", value: least + 1 },
        ],
      };
    },
  ],
  [8, (chance) => ({ actions: [chance.of(ACTIONS)], values: [chance.below(100)], places: [aRoom(chance)] })],
  // A program that keeps everything of a kind, or all there is.
  [2, (chance) => ({ names: [aName(chance)] })],
  [1, (chance) => ({ names: [`*${chance.of(KINDS)}`], devices: [aDevice(chance), aDevice(chance)] })],
  [1, () => ({})],
];

/** A realistic mix. */
export function mixed(count: number, chance: Chance): registry.EventFilter[] {
  const dice = MIX.flatMap(([share, filter]) => Array.from({ length: share }, () => filter));
  const [first, ...others] = dice;
  if (!first) return [];
  return Array.from({ length: count }, () => parseFilter(chance.of([first, ...others])(chance)));
}

/** Each another filter, and each matches every event of the fleet. */
export function allDifferent(count: number): registry.EventFilter[] {
  return Array.from({ length: count }, (_, number) =>
    parseFilter({ conditions: [{ field: "value", op: ">", value: -1 - number }] }),
  );
}

/** The same filter each, which matches every event. */
export function allTheSame(count: number): registry.EventFilter[] {
  return Array.from({ length: count }, () => parseFilter({ names: ["*"] }));
}

const aDevice = (chance: Chance) => `device-${chance.below(DEVICES)}`;
const aRoom = (chance: Chance) => `Room ${chance.below(ROOMS)}`;
const aName = (chance: Chance) => chance.of(NAMES) + chance.of(KINDS);
const aPlace = (chance: Chance) => ({
  latitude: chance.between(32, 36),
  longitude: chance.between(-120, -114),
});
