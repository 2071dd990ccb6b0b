import type { Budget } from "@fieldlog/admission";

/** Who is at the other end of a connection, and what that may do. */
export interface Principal {
  /** Id. */
  readonly namespace: string;
  readonly namespaceName: string;
  readonly kind: "device" | "key";
  /** Of the device or of the API key. */
  readonly id: string;
  readonly permission: "device" | "read" | "write" | "admin";
  readonly budget: Budget;
  /** ms since 1970 UTC. */
  readonly expiresAt?: number | undefined;
  readonly proof: Proof;
  /** By what name the hub's dialect knows the device; absent: it did not log in by that dialect. */
  readonly hubId?: string;
}

/** What a principal logged in with: by this it is found out whether that is still good. */
export interface Proof {
  /** Name of the credential in the edge's memory. */
  readonly key: string;
  /** Of a device's password: its SHA-256. */
  readonly hash?: Uint8Array;
  /** `key` is the connection token of a provisioned device. */
  readonly isConnection?: boolean;
}

/** A principal's name, unique in its namespace: what a session belongs to, and what signals name as their sender. */
export function nameOf({ kind, id }: Pick<Principal, "kind" | "id">): string {
  return `${kind}:${id}`;
}
