import type { z } from "zod";
import type { Permission } from "../native/access.js";

/** What lets a caller of the dialect's paths in. A capability stands in the URL. */
export type Shown = "provisioningToken" | "registrationToken" | "connectionToken" | "capability" | "apiKey";

/** One operation of the dialect: where it is, who may ask for it, what it takes, and how it may end well. */
export interface Operation {
  /** Of its metric and its trace. */
  readonly name: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With `:parameters`, or `*` for the rest of it. */
  readonly path: string;
  readonly by: Shown;
  readonly summary: string;
  /** What its query may have, by name, and what that is. */
  readonly query?: Readonly<Record<string, string>>;
  /** "bytes": whatever it is. */
  readonly body?: z.ZodType | "bytes";
  /** What each status of success says. */
  readonly statuses: Readonly<Record<number, string>>;
  /** What else may be refused than {@link describeSpotflow} says of all, by status. */
  readonly refusals?: Readonly<Record<number, string>>;
}

/** One of those that people ask for, by a native key. */
export interface OperatorOperation extends Operation {
  readonly by: "apiKey";
  /** What the key must be good for. */
  readonly needs: Permission;
}

/** As it is written, below a workspace. */
export function ofWorkspace<const O extends Omit<OperatorOperation, "by">>(operation: O) {
  return { ...operation, by: "apiKey", path: `/workspaces/:ns${operation.path}` } as const;
}
