import { STATUS_CODES } from "node:http";

/** A request that is not granted; thrown, and told in tenta's words (A3.1). */
export class Refusal extends Error {
  override readonly name = "Refusal";
  constructor(
    readonly status: number,
    /** For people; the originals say nothing but the status in words. */
    readonly reason: string,
    /** Seconds, for Retry-After. */
    readonly retryAfterS?: number,
  ) {
    super(reason);
  }
}

export const refusals = {
  invalid: (reason: string) => new Refusal(400, reason),
  unauthorized: () => new Refusal(401, "Log in, and send the token: Authorization: Bearer <token>."),
  wrongPassword: () => new Refusal(401, "The password is wrong."),
  forbidden: (role: string) => new Refusal(403, `This takes the role ${role} in the network.`),
  closed: () => new Refusal(403, "Nobody signs up here by themselves; ask whoever runs it."),
  noNetwork: () => new Refusal(404, "There is no such network."),
  noSensor: () => new Refusal(404, "The network has no such sensor."),
  noMember: (name: string) => new Refusal(404, `The network has no member "${name}".`),
  noPath: () => new Refusal(404, "There is no such path."),
  noMethod: (allowed: readonly string[]) => new Refusal(405, `The path takes ${allowed.join(", ")}.`),
  tooMany: (retryAfterS: number) => new Refusal(429, "Too many requests; try again later.", retryAfterS),
  unavailable: (retryAfterS: number) => new Refusal(503, "Cannot be done just now.", retryAfterS),
  unforeseen: () => new Refusal(500, "The server failed to answer."),
} as const;

/** `detail` is what the older generation reads, `details` what the newer one does (A3.1). */
export function refusalBody({ status, reason }: Refusal): string {
  const words = STATUS_CODES[status] ?? "Error";
  return JSON.stringify({ detail: words, details: words, reason });
}
