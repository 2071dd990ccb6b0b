import type { Finding } from "./finding.js";

/** A signal in the log, as a sign that its device lives. */
export interface Sign {
  readonly device: string;
  readonly position: number;
  /** ms since 1970 UTC, by an edge's clock, at most when the log stored it. */
  readonly at: number;
  readonly isHeartbeat: boolean;
}

/** That a device became active or inactive, as the log has it. */
export interface Told {
  readonly device: string;
  /** `liveness/active/<position>` of the sign that woke it, `liveness/inactive/<position>` of its last one. */
  readonly identity: string;
  readonly position: number;
}

export interface LivenessRule {
  /** ms of silence after which a device is inactive. */
  readonly inactiveAfterMs: number;
  /** ms by which a silence may be shorter or longer and be told or not: signals are under way for a while. */
  readonly slackMs: number;
  /** Devices of which only a heartbeat is a sign. */
  readonly byHeartbeat: ReadonlySet<string>;
  /** The others that are registered; of whom else there are signals nothing is told. */
  readonly devices: ReadonlySet<string>;
}

/** Whether of each device each begin and end of its silences is told, once, and in turn. */
export function livenessFindings(
  signs: readonly Sign[],
  told: readonly Told[],
  { endedAt, ...rule }: LivenessRule & { endedAt: number },
): Finding[] {
  const ofDevice = Map.groupBy(signs, ({ device }) => device);
  const toldOf = Map.groupBy(told, ({ device }) => device);
  return [...rule.byHeartbeat, ...rule.devices].flatMap((device) => {
    const own = ofDevice.get(device) ?? [];
    const counted = rule.byHeartbeat.has(device) ? own.filter(({ isHeartbeat }) => isHeartbeat) : own;
    const { certain, possible } = expected(counted, endedAt, rule);
    // Two replicas may tell the same under one identity.
    const identities = [...new Set((toldOf.get(device) ?? []).map(({ identity }) => identity))];
    const missing = certain.filter((identity) => !identities.includes(identity));
    const surplus = identities.filter((identity) => !certain.includes(identity) && !possible.has(identity));
    const details = [
      ...missing.map((identity) => `${identity} is missing`),
      ...surplus.map((identity) => `${identity} is told without a reason`),
      ...(inTurn(identities) ? [] : [`not in turn: ${identities.join(", ")}`]),
    ];
    return details.map((detail) => ({ what: "liveness" as const, where: "the log", who: device, detail }));
  });
}

function expected(signs: readonly Sign[], endedAt: number, { inactiveAfterMs, slackMs }: LivenessRule) {
  const certain: string[] = [];
  const possible = new Set<string>();
  const silence = (ms: number, ends: string[]) => {
    if (ms > inactiveAfterMs + slackMs) certain.push(...ends);
    else if (ms > inactiveAfterMs - slackMs) for (const identity of ends) possible.add(identity);
  };
  let last: Sign | undefined;
  for (const sign of signs) {
    // Edges' clocks differ: what one took later was not sent earlier.
    const at = Math.max(sign.at, last?.at ?? 0);
    const ends = [`liveness/inactive/${last?.position}`, `liveness/active/${sign.position}`];
    if (last) silence(at - last.at, ends);
    else certain.push(`liveness/active/${sign.position}`);
    last = { ...sign, at };
  }
  if (last) silence(endedAt - last.at, [`liveness/inactive/${last.position}`]);
  return { certain, possible };
}

const inTurn = (identities: readonly string[]) =>
  identities.every((identity, i) =>
    identity.startsWith(i % 2 === 0 ? "liveness/active" : "liveness/inactive"),
  );
