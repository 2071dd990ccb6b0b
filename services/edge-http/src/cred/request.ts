import type { OperationName } from "./operations.js";

/** A request of cred's, out of HTTP. */
export interface CredRequest {
  /** In the path. */
  readonly id: number;
  readonly query: URLSearchParams;
  /** Fields of the body: JSON, or a form's, which are texts. */
  readonly fields: ReadonlyMap<string, unknown>;
  readonly cookie: string | undefined;
  /** What resources' addresses begin with, e.g. `http://127.0.0.1:8080`. */
  readonly base: string;
}

/** A list under its name, as it is read: JSON texts of its elements. */
export type CredList = readonly [name: string, pages: AsyncGenerator<readonly string[], void>];

/** What goes back beside status and message. */
export interface Answer {
  /** In the order in which they stand in the answer. */
  readonly json?: Readonly<Record<string, unknown>>;
  readonly list?: CredList;
  readonly headers?: readonly string[];
}

export type Handle = (request: CredRequest) => Promise<Answer>;
export type Handles = Readonly<Record<OperationName, Handle>>;
