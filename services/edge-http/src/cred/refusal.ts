/** A request that is not granted; thrown, and told in cred's words (B3). */
export class Refusal extends Error {
  override readonly name = "Refusal";
  constructor(
    readonly status: number,
    message: string,
    /** Seconds, for Retry-After. */
    readonly retryAfterS?: number,
  ) {
    super(message);
  }
}

export const refusals = {
  invalid: (what: string) => new Refusal(400, what),
  invalidPermissions: () => new Refusal(400, "Invalid Permissions"),
  invalidApiKey: () => new Refusal(401, "Invalid API Key"),
  notAuthenticated: () => new Refusal(401, "Not Authenticated"),
  insufficient: () => new Refusal(403, "Insufficient Permissions"),
  noClient: () => new Refusal(404, "Client Not Found"),
  noEvent: () => new Refusal(404, "Event Not Found"),
  noApiKey: () => new Refusal(404, "API Key Not Found"),
  noPath: () => new Refusal(404, "Not Found"),
  noMethod: () => new Refusal(405, "Method Not Allowed"),
  tooSlow: () => new Refusal(408, "Request Timeout"),
  tooLarge: () => new Refusal(413, "Request Entity Too Large"),
  disabled: () => new Refusal(423, "Locked", 60),
  tooMany: (retryAfterS: number) => new Refusal(429, "Too Many Requests", retryAfterS),
  unforeseen: () => new Refusal(500, "Internal Server Error"),
  unavailable: (retryAfterS: number) => new Refusal(503, "Service Unavailable", retryAfterS),
} as const;

export function refusalBody({ status, message }: Refusal): string {
  return JSON.stringify({ status, message });
}
