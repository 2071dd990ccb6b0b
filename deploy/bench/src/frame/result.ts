import { median, spread } from "./statistics.js";

/** One line of a benchmark, in the table and in what `--json` prints. */
export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  /** What it is compared with, if anything. */
  readonly peer: string | null;
  /** The peer's value, in the same unit and from the same run. */
  readonly peerValue: number | null;
  /** value / peerValue. */
  readonly ratio: number | null;
  /** What has to be reached, in words. */
  readonly target: string | null;
  /** Null where there is a target: what it is to be compared with is not installed. */
  readonly met: boolean | null;
  /** The same for programs: the parts that all have to be reached. */
  readonly limits: Target | null;
  /** Of which curve it is a point, if of any. */
  readonly curve: Curve | null;
  /** Between the repeats: (largest - smallest) / median. Null for a single measurement. */
  readonly spread: number | null;
}

/** How a figure moves along something that grows. */
export interface Curve {
  /** What all its points measure. */
  readonly series: string;
  /** What grows: "events in the log". */
  readonly along: string;
  readonly x: number;
}

export interface Target {
  /** Least ratio to the peer. */
  readonly ratio?: number;
  /** Least value. */
  readonly atLeast?: number;
  /** The value must be below. */
  readonly below?: number;
}

export interface Measured {
  readonly name: string;
  readonly unit: string;
  /** One value per repeat. */
  readonly values: readonly number[];
  /** Without values: it is not installed, which is said in place of its figure. */
  readonly peer?: { readonly name: string; readonly values: readonly number[] };
  readonly target?: Target;
  readonly curve?: Curve;
}

/** A point of a curve; its name says where it stands. */
export function point(curve: Curve, measured: Omit<Measured, "name" | "curve">): Row {
  const { series, along, x } = curve;
  return row({ ...measured, name: `${series}; ${x.toLocaleString("en")} ${along}`, curve });
}

/** Medians of the repeats, the ratio of the medians, and whether the target is reached. */
export function row({ name, unit, values, peer, target, curve }: Measured): Row {
  const value = median(values);
  const isMissing = peer?.values.length === 0;
  const peerValue = peer && !isMissing ? median(peer.values) : null;
  const ratio = peerValue ? value / peerValue : null;
  return {
    name,
    unit,
    value,
    peer: peer ? `${peer.name}${isMissing ? ": not installed" : ""}` : null,
    peerValue,
    ratio,
    target: target ? wording(target, unit) : null,
    met: target && !isMissing ? isMet(target, value, ratio) : null,
    limits: target ?? null,
    curve: curve ?? null,
    spread: values.length > 1 ? spread(values) : null,
  };
}

function isMet(target: Target, value: number, ratio: number | null): boolean {
  const { atLeast = Number.NEGATIVE_INFINITY, below = Number.POSITIVE_INFINITY } = target;
  if (target.ratio !== undefined && !(ratio !== null && ratio >= target.ratio)) return false;
  return value >= atLeast && value < below;
}

function wording({ ratio, atLeast, below }: Target, unit: string): string {
  return [
    ...(atLeast === undefined ? [] : [`>= ${atLeast.toLocaleString("en")} ${unit}`]),
    ...(below === undefined ? [] : [`< ${below.toLocaleString("en")} ${unit}`]),
    ...(ratio === undefined ? [] : [`ratio >= ${ratio}`]),
  ].join(", ");
}
