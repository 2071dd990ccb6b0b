/** What a member of a network may do, each what those before it may (A8: owner, user, read-only). */
export const roles = ["reader", "editor", "owner"] as const;
export type Role = (typeof roles)[number];

/** One operation of tenta's REST API (A3): where it is, what it takes, who may ask for it. */
export interface Operation {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** With `:parameters`. */
  readonly path: string;
  readonly summary: string;
  readonly who: "anybody" | "somebody" | Role;
  /** Keys of its query; default: none. */
  readonly query?: readonly string[];
  /** It takes a body; others take none but `{}` (A3.4). */
  readonly body?: true;
  /** Of its success. */
  readonly status: 200 | 201 | 204;
}

const NETWORK = "/networks/:network_identifier";
const SENSORS = `${NETWORK}/sensors`;
const SENSOR = `${SENSORS}/:sensor_identifier`;
const MEMBER = `${NETWORK}/members/:user_name`;

const get = (path: string, who: Operation["who"], summary: string, query: readonly string[] = []) =>
  ({ method: "GET", path, who, summary, query, status: 200 }) as const satisfies Operation;
const post = (path: string, who: Operation["who"], summary: string) =>
  ({ method: "POST", path, who, summary, body: true, status: 201 }) as const satisfies Operation;
const put = (path: string, who: Operation["who"], summary: string) =>
  ({ method: "PUT", path, who, summary, body: true, status: 200 }) as const satisfies Operation;
const remove = (path: string, who: Operation["who"], summary: string) =>
  ({ method: "DELETE", path, who, summary, status: 204 }) as const satisfies Operation;

/** Of both generations, and what goes beyond them. */
export const operations = {
  status: get("/status", "anybody", "What runs here, since when, and where sensors reach it"),
  createUser: post("/users", "anybody", "Creates a user, and logs in"),
  logIn: post("/authentication", "anybody", "Logs in: the answer holds a token"),
  logOut: remove("/authentication", "somebody", "Logs out: the token is void"),
  createNetwork: post("/networks", "somebody", "Creates a network, whose owner is who asks"),
  listNetworks: get("/networks", "somebody", "Networks of which who asks is a member"),
  showNetwork: get(
    NETWORK,
    "reader",
    "How much each sensor of the network measured lately, by spans of 4 hours",
  ),
  listMembers: get(`${NETWORK}/members`, "reader", "Who may do what in the network"),
  setMember: put(MEMBER, "owner", "Makes a user a member, or gives a member another role"),
  removeMember: remove(MEMBER, "owner", "Ends a user's membership"),
  createSensor: post(SENSORS, "editor", "Creates a sensor: the answer holds its MQTT password, this once"),
  listSensors: get(SENSORS, "reader", "Sensors of the network, and when each was last heard"),
  renameSensor: put(SENSOR, "editor", "Gives a sensor another name"),
  removeSensor: remove(SENSOR, "owner", "Removes a sensor: its password is void, its name is free"),
  rotateSecret: post(`${SENSOR}/secret`, "owner", "A new MQTT password in place of the sensor's old one"),
  showLatest: get(`${SENSOR}/latest`, "reader", "The newest value of each attribute"),
  createConfiguration: post(
    `${SENSOR}/configurations`,
    "editor",
    "The next revision of the sensor's configuration",
  ),
  listConfigurations: get(`${SENSOR}/configurations`, "reader", "Revisions, and what became of each", [
    "direction",
    "revision",
  ]),
  listMeasurements: get(
    `${SENSOR}/measurements`,
    "reader",
    "What the sensor measured, or hourly averages of that",
    ["direction", "creation_timestamp", "aggregate"],
  ),
  listLogs: get(`${SENSOR}/logs`, "reader", "What the sensor had to say of itself", [
    "direction",
    "creation_timestamp",
  ]),
  summarizeLogs: get(
    `${SENSOR}/logs/aggregates`,
    "reader",
    "Its warnings and errors, those that are alike as one",
  ),
} as const;

export type OperationName = keyof typeof operations;

/** What tenta has for itself of the door's paths. */
export const TENTA_PATH = /^\/(?:status|users|authentication|networks)(?:[/?]|$)/;
