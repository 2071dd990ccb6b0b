import type { Address } from "../load/orders.js";

/** What the parent asks of the process that has the devices. */
export type DevicesOrder =
  /** More devices, numbered on from those that there are; they stay connected until "close". */
  | { readonly kind: "connect"; readonly to: Address; readonly key: string; readonly count: number }
  /** Sample requests by HTTP, due at a fixed rate, each for the next device. */
  | {
      readonly kind: "sample";
      readonly http: Address;
      readonly key: string;
      readonly perSecond: number;
      readonly warmUpMs: number;
      readonly measureMs: number;
    }
  | { readonly kind: "close" };

export interface DevicesReport {
  readonly connected: number;
  /** Requests that were answered and reached their device, in the measured time. */
  readonly sampled: number;
  /** From when a request was due to the frame that tells its device. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Pictures that were sent so far. */
  readonly pictures: number;
  readonly failures: Readonly<Record<string, number>>;
}

/** What the parent asks of the process that has the viewers. */
export type ViewersOrder =
  /** So many viewers of each of the first devices; they go on looking until "close". */
  | {
      readonly kind: "look";
      readonly http: Address;
      readonly key: string;
      readonly devices: number;
      readonly viewersEach: number;
    }
  /** Counts what each viewer gets from now on; answered after so many ms. */
  | { readonly kind: "count"; readonly measureMs: number }
  | { readonly kind: "close" };

export interface ViewersReport {
  readonly viewers: number;
  /** Pictures per second of the viewer who got the fewest. */
  readonly leastPerSecond: number;
  /** Of all viewers together. */
  readonly perSecond: number;
  /** From the device's socket to the viewer's. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failures: Readonly<Record<string, number>>;
}

export const NAMESPACE = "default";

export function deviceName(index: number): string {
  return `bench-${index}`;
}

/** What a device sends in a second that streams what it sees. */
export const PICTURES_PER_SECOND = 10;
/** Bytes of a picture: as large as a small one of 96 lines is. */
const PICTURE_BYTES = 5_000;
const TIME_AT = 4;

/** A picture that says when it was taken. */
export function pictureOf(at: number): Buffer {
  const picture = Buffer.alloc(PICTURE_BYTES, 0x55);
  picture.set([0xff, 0xd8, 0xff, 0xe0]);
  picture.writeDoubleBE(at, TIME_AT);
  picture.set([0xff, 0xd9], PICTURE_BYTES - 2);
  return picture;
}

export function takenAt(picture: Buffer): number {
  return picture.readDoubleBE(TIME_AT);
}

/** ms since 1970, finely, and the same in every process of this machine. */
export function clock(): number {
  return performance.timeOrigin + performance.now();
}
