import type { Identity } from "@fieldlog/simulator";

/** Where requests go. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What the parent process asks of the load generator; one at a time. */
export type Order =
  | { readonly kind: "devices"; readonly devices: readonly Identity[]; readonly namespace: string }
  /** Makes and signs the requests that the next runs send, for that many connections. */
  | { readonly kind: "prepare"; readonly connections: number; readonly requests: number }
  /** Each connection sends its next request when the last is answered. */
  | {
      readonly kind: "closed";
      readonly to: Address;
      readonly warmUpMs: number;
      readonly measureMs: number;
      /** Whether to begin again with the first prepared request after the last. */
      readonly again: boolean;
    }
  /** Requests are due at a fixed rate, whether or not the earlier ones are answered. */
  | {
      readonly kind: "open";
      readonly to: Address;
      readonly perSecond: number;
      readonly warmUpMs: number;
      readonly measureMs: number;
    }
  /** Each connection sends one request, and then stays open until "release". */
  | { readonly kind: "hold"; readonly to: Address }
  | { readonly kind: "release" };

/** What a run of the generator saw. */
export interface LoadReport {
  /** Answers with status 200, warm-up included. */
  readonly acknowledged: number;
  /** Everything else: other statuses, broken connections, in words, with how often. */
  readonly failures: Readonly<Record<string, number>>;
  /** Answers per second in the measured time. */
  readonly perSecond: number;
  /** Of the answers in the measured time; in an open run from the moment at which the request was due. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Connections that are still open at the end. */
  readonly open: number;
  /** The prepared requests were used up before the time was. */
  readonly ranOut: boolean;
}
