/** What cred answers, an error included: an envelope with the HTTP status and a message, and what was asked for (B3). */
export interface Answer {
  readonly status: number;
  readonly message: string;
  /** In the order of the original. */
  readonly more?: Readonly<Record<string, unknown>>;
  /** Name and value of headers in turn. */
  readonly headers?: readonly string[];
}

/** One that says why not. */
export class Refusal extends Error implements Answer {
  override readonly name = "Refusal";

  constructor(
    readonly status: number,
    override readonly message: string,
    readonly headers: readonly string[] = [],
  ) {
    super(message);
  }
}

export const refusals = {
  notAuthenticated: () => new Refusal(401, "Not Authenticated"),
  invalidKey: () => new Refusal(401, "Invalid API Key"),
  insufficient: () => new Refusal(403, "Insufficient Permissions"),
  invalidPermissions: () => new Refusal(400, "Invalid Permissions"),
  noClient: () => new Refusal(404, "Client Not Found"),
  noEvent: () => new Refusal(404, "Event Not Found"),
  noKey: () => new Refusal(404, "API Key Not Found"),
  noPath: () => new Refusal(404, "Not Found"),
  noMethod: (allowed: readonly string[]) =>
    new Refusal(405, "Method Not Allowed", ["allow", allowed.join(", ")]),
  badRequest: (detail: string) => new Refusal(400, `Bad Request: ${detail}`),
  tooLarge: (detail: string) => new Refusal(413, `Too Large: ${detail}`),
  tooMany: () => new Refusal(429, "Too Many Requests", ["retry-after", "1"]),
  unavailable: (retryAfterS = 1) =>
    new Refusal(503, "Service Unavailable", ["retry-after", String(retryAfterS)]),
  failed: () => new Refusal(500, "Internal Server Error"),
};

export function ok(more: Answer["more"]): Answer {
  return { status: 200, message: "OK", ...(more === undefined ? {} : { more }) };
}

/** The body, on one line, its keys in the original's order (B3). */
export function bodyOf({ status, message, more }: Answer): string {
  return JSON.stringify({ status, message, ...more });
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** RFC 822 in whole seconds, UTC, as Python's `email.utils.formatdate` has it: "Fri, 20 Nov 2026 22:29:38 -0000". */
export function dateOf(ms: bigint | number): string {
  const at = new Date(Number(ms));
  const two = (n: number) => String(n).padStart(2, "0");
  const day = `${DAYS[at.getUTCDay()]}, ${two(at.getUTCDate())} ${MONTHS[at.getUTCMonth()]} ${at.getUTCFullYear()}`;
  return `${day} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} -0000`;
}
