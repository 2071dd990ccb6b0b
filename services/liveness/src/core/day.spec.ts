import { seeded } from "@fieldlog/chance";
import { describe, expect, it } from "vitest";
import { Machine, type Transition } from "./machine.js";
import { Rules } from "./rules.js";
import { ACTIVE } from "./slots.js";
import type { Status } from "./status.js";

const STATIONS = 10_000;
const DAY_S = 86_400;
const HEARTBEAT_S = 600;
const INACTIVE_AFTER_S = 1_800;
/** Seconds between two looks at the time, and that a sign of life may be under way, as the service has them. */
const LOOK_S = 0.5;
const UNDER_WAY_S = 1;
const WITHIN_MS = 5_000;

interface Sent {
  readonly station: number;
  readonly at: number;
  readonly status: Status;
}

/** What a station sends in a day, and what must be told of it: `+` or `-`, and the moment. */
function station(index: number): { sent: Sent[]; expected: string[] } {
  const random = seeded(index + 1);
  const sent: Sent[] = [];
  const expected: string[] = [];
  let active = false;
  let at = Math.floor(random() * HEARTBEAT_S * 1_000);
  let last = at;
  while (at < DAY_S * 1_000) {
    const chance = random();
    // A few sleep, a few are killed without a word, a few drop one or two heartbeats, which does no harm.
    const status: Status = chance < 0.01 ? "sleep" : chance < 0.012 ? "killed" : "update";
    if (active && at - last > INACTIVE_AFTER_S * 1_000) {
      expected.push(`-${last + INACTIVE_AFTER_S * 1_000}`);
      active = false;
    }
    sent.push({ station: index, at, status });
    if (status === "update" && !active) expected.push(`+${at}`);
    if (status !== "update" && active) expected.push(`-${at}`);
    active = status === "update";
    last = at;
    const pause = status !== "update" || chance > 0.99 ? 2_000 + random() * 10_000 : HEARTBEAT_S;
    const dropped = chance > 0.95 && chance < 0.99 ? HEARTBEAT_S * (1 + Math.floor(random() * 2)) : 0;
    at += Math.floor((pause + dropped + random()) * 1_000);
  }
  const ends = last + INACTIVE_AFTER_S * 1_000;
  if (active && ends <= DAY_S * 1_000) expected.push(`-${ends}`);
  return { sent, expected };
}

describe("a day of ten thousand stations that sleep, are killed and drop heartbeats", () => {
  it("is told without a miss: each transition once, and within five seconds", { timeout: 60_000 }, () => {
    const machine = new Machine(new Rules(), STATIONS);
    const stations = Array.from({ length: STATIONS }, (_, index) => station(index));
    for (let index = 0; index < STATIONS; index++) machine.register("ns", `s${index}`, { dialect: "csn" });
    const signs = stations.flatMap(({ sent }) => sent).sort((a, b) => a.at - b.at);
    const told = stations.map((): string[] => []);
    let next = 0;
    let slowest = 0;
    const tell = (now: number) => {
      for (const { device, to, at, sign, namespace } of [...machine.owed()].flat() as Transition[]) {
        told[Number(device.slice(1))]?.push(`${to === ACTIVE ? "+" : "-"}${at}`);
        slowest = Math.max(slowest, now - at);
        machine.told(namespace, device, to, sign.position, at);
      }
    };
    // A last look after the day for what is due at its very end.
    for (let now = 0; now <= (DAY_S + 2 * UNDER_WAY_S) * 1_000; now += LOOK_S * 1_000) {
      for (; next < signs.length && (signs[next] as Sent).at <= now; next++) {
        const { station: index, at, status } = signs[next] as Sent;
        machine.heard("ns", `s${index}`, { at, position: next + 1, status }, true);
      }
      machine.expire(Math.min(now - UNDER_WAY_S * 1_000, DAY_S * 1_000));
      tell(now);
    }
    expect(told).toEqual(stations.map(({ expected }) => expected));
    expect(told.flat().length).toBeGreaterThan(STATIONS);
    expect(slowest).toBeLessThanOrEqual(WITHIN_MS);
  });
});
