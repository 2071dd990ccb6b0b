import type { Operation } from "./operations.js";

/** A request of tenta's, out of HTTP; its path and the keys of its query have been checked. */
export interface TentaRequest {
  /** Who may ask for it. */
  readonly who: Operation["who"];
  readonly params: Readonly<Record<string, string>>;
  readonly query: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
  readonly authorization: string | undefined;
  /** Remote address. */
  readonly address: string;
  /** Host that the sender believes to speak to; empty: not said. */
  readonly host: string;
}

/** What goes back, in JSON; neither: nothing. */
export interface Answer {
  readonly json?: unknown;
  /** JSON already. */
  readonly text?: string;
  /** In REGISTRY, of what was decided. */
  readonly sequence?: bigint | undefined;
}

export type Handle = (request: TentaRequest) => Promise<Answer>;
