/** What an API key may do, each what those before it may (B4). */
export const permissions = ["read", "write", "admin"] as const;
export type Permission = (typeof permissions)[number];

/** One operation of cred's REST API (B3). */
export interface Operation {
  readonly method: "GET" | "POST";
  /** With `:id`, a number. */
  readonly path: string;
  /** What a client's key must be good for; log-in: there is no client yet. */
  readonly who: "anybody" | Permission;
  /** Of its success. */
  readonly status: 200 | 201;
  /** Of its success. */
  readonly message: string;
}

const get = (path: string, who: Permission) =>
  ({ method: "GET", path, who, status: 200, message: "OK" }) as const satisfies Operation;
const post = (path: string, who: Operation["who"], message: string) =>
  ({ method: "POST", path, who, status: 201, message }) as const satisfies Operation;

export const operations = {
  logIn: post("/auth", "anybody", "Authenticated"),
  listEvents: get("/events", "read"),
  createEvent: post("/events", "write", "Created Event"),
  showEvent: get("/events/:id", "read"),
  listClients: get("/clients", "read"),
  showOwnClient: get("/clients/me", "read"),
  showClient: get("/clients/:id", "read"),
  listClientEvents: get("/clients/:id/events", "read"),
  listSubscribedEvents: get("/clients/:id/subscribedevents", "read"),
  listApiKeys: get("/apikeys", "admin"),
  createApiKey: post("/apikeys", "admin", "Created API Key"),
  showApiKey: get("/apikeys/:id", "admin"),
} as const;

export type OperationName = keyof typeof operations;

/** What cred has for itself of the door's paths. */
export const CRED_PATH = /^\/(?:auth|events|clients|apikeys)(?:[/?]|$)/;
