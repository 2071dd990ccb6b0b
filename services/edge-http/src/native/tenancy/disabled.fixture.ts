import { until } from "@fieldlog/testkit";
import { expect } from "vitest";
import type { Native } from "../native.fixture.js";
import { httpDoors } from "./doors.fixture.js";
import { type Lines, linesOf, publishers } from "./lines.fixture.js";
import { Place } from "./place.fixture.js";
import { provisioned } from "./provisioned.fixture.js";

const NOT_AUTHORIZED = 0x87;
const SERVER_UNAVAILABLE = 0x88;
const TRY_AGAIN_LATER = 1_013;

/** What those are told who are connected when their namespace is disabled, and those who come then. */
const told: Record<string, readonly [left: number, refused: number]> = {
  "MQTT: a device": [NOT_AUTHORIZED, SERVER_UNAVAILABLE],
  "MQTT: a provisioned device": [NOT_AUTHORIZED, SERVER_UNAVAILABLE],
  "WebSocket: a board": [4_423, TRY_AGAIN_LATER],
};
const refusedPublish: Record<string, number> = {
  "MQTT: a key's message": NOT_AUTHORIZED,
  "MQTT: a key's event": NOT_AUTHORIZED,
  "WebSocket: a key's event": 423,
};

/** Disables a namespace of its own: every door is shut to its devices, and nobody stays; then all is as it was. */
export async function shutsEveryDoor(native: Native): Promise<void> {
  const place = await Place.make(native);
  const device = await provisioned(place);
  const doors = { ...(await httpDoors(place)), ...device.doors };
  const lines = await linesOf(place, device);
  const published = await publishers(place);
  const isOpen = async () => {
    for (const [what, ask] of Object.entries(doors)) {
      await until(what, async () => (await ask()) < 300);
    }
    for (const [what, publish] of Object.entries(published)) {
      await until(what, async () => (await publish()) === 0);
    }
    for (const [what, come] of Object.entries(lines)) (await until(what, come)).close();
  };
  await isOpen();
  const visitors = await Promise.all(
    Object.entries(lines).map(async ([what, come]) => [what, await come()] as const),
  );

  await place.operate("/disable", { reason: "unpaid" });
  for (const [what, { left }] of visitors) expect([what, await left]).toEqual([what, told[what]?.[0]]);
  // The other edges have heard of it: this one is about to.
  await until("a refusal", async () => (await Object.values(doors)[0]?.()) === 423);
  for (const [what, ask] of Object.entries(doors)) expect([what, await ask()]).toEqual([what, 423]);
  for (const [what, publish] of Object.entries(published)) {
    expect([what, await publish()]).toEqual([what, refusedPublish[what]]);
  }
  for (const [what, code] of await refusalsOf(lines)) expect([what, code]).toEqual([what, told[what]?.[1]]);

  await place.operate("/enable");
  await isOpen();
}

/** With what those who come are sent away. */
async function refusalsOf(lines: Lines): Promise<[what: string, code: unknown][]> {
  const refused: [string, unknown][] = [];
  for (const [what, come] of Object.entries(lines)) {
    const code = await come().then(
      () => "let in",
      (error: { code?: number }) => error.code,
    );
    refused.push([what, code]);
  }
  return refused;
}
