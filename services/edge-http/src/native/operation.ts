import type { z } from "zod";

/** One operation of the native API: where it is, what it takes, who may call it and what it answers. */
export interface Operation {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  /** With `{parameters}`, as OpenAPI writes them. */
  readonly path: string;
  readonly summary: string;
  /** `reader`: a key of the namespace; `writer`, `namespace-admin`: with that permission; `admin`: the installation's. */
  readonly access: "reader" | "writer" | "namespace-admin" | "admin" | "anybody";
  readonly query: z.ZodType;
  readonly body?: z.ZodType;
  /** What else its body may be, by media type, and what that is. */
  readonly takes?: Readonly<Record<string, string>>;
  readonly status: number;
  /** Further statuses of success. */
  readonly statuses?: readonly number[];
  /** What else may be refused, by status. */
  readonly refusals?: Readonly<Record<string, string>>;
  /** Absent: the answer is empty, or a stream. */
  readonly answer?: z.ZodType;
  /** What else is answered, by media type, and what that is. */
  readonly also?: Readonly<Record<string, string>>;
  /** Answer is a stream of server-sent events. */
  readonly streams?: true;
  /** A device may do it for itself, by its signature instead of a key. */
  readonly signed?: true;
  /** An edit token of the device does as well as a key. */
  readonly edits?: true;
  /** Answer is a write: has the header fieldlog-position. */
  readonly writes?: true;
  /** Answer is from a read model: takes the header fieldlog-min-position. */
  readonly waits?: true;
}

/** An operation as it is written: nothing of its type is lost. */
export const op = <const O extends Operation>(operation: O): O => operation;
/** Where the operations of a namespace are. */
export const NAMESPACE = "/v1/namespaces/{ns}";
