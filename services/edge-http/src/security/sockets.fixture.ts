import { until } from "@fieldlog/testkit";
import type { Json, Native } from "../native/native.fixture.js";
import type { Sides } from "./attacks.fixture.js";

/** What is said on a connection, and with what the server is to answer all of it. */
interface Said {
  readonly who: string;
  readonly message: Json;
  readonly answer: Json;
}
type Says = (sides: Sides) => Said[];

const refused = (status: number) => ({ type: "error", status });
const GUESS = "fl_0123456789abcdef0123456789abcdef";
const NO_KEYS = [
  "revoked",
  "hmac",
  "editToken",
  "ownerSession",
  "adminCredSession",
  "devicePassword",
  "upload",
];

/** Of both messages that say who speaks. */
function byNobody({ victim, attacker }: Sides, message: Json): Said[] {
  const secret = (name: string) => victim.secrets[name];
  return [
    { who: "nobody", message, answer: refused(401) },
    { who: "a guess", message: { ...message, key: GUESS }, answer: refused(401) },
    ...NO_KEYS.map((name) => {
      return { who: `whoever has ${name}`, message: { ...message, key: secret(name) }, answer: refused(401) };
    }),
    {
      who: "another's key",
      message: { ...message, key: attacker.secrets["admin"], namespace: victim.place.id },
      answer: refused(403),
    },
  ];
}

/** By the messages of clients that the AsyncAPI document of the WebSocket door describes. */
const messages: Readonly<Record<string, Says>> = {
  subscribe: (sides) => {
    const { attacker, victim } = sides;
    const subscription = victim.things["subscription"];
    const key = attacker.secrets["admin"];
    return [
      ...byNobody(sides, { type: "subscribe" }),
      ...byNobody(sides, { type: "subscribe", subscription }),
      {
        who: "another's key in its own namespace",
        ...{ message: { type: "subscribe", key, subscription }, answer: refused(404) },
      },
      {
        who: "a key for another's subscription",
        message: { type: "subscribe", key: victim.secrets["read"], subscription },
        answer: refused(403),
      },
    ];
  },
  publish: (sides) => {
    const { attacker, victim } = sides;
    const event = { name: "forged", device: victim.things["device"] };
    return [
      ...byNobody(sides, { type: "publish", event }),
      {
        who: "another's key for this one's device",
        ...{ message: { type: "publish", event, key: attacker.secrets["admin"] }, answer: refused(400) },
      },
      {
        who: "a key that may only read",
        ...{ message: { type: "publish", event, key: victim.secrets["read"] }, answer: refused(403) },
      },
    ];
  },
  ack: () => [{ who: "nobody", message: { type: "ack", position: 4_096 }, answer: refused(400) }],
  credit: () => [{ who: "nobody", message: { type: "credit", credit: 1 }, answer: refused(400) }],
  ping: () => [{ who: "nobody", message: { type: "ping" }, answer: { type: "pong" } }],
};

/** By the channels that the document describes: what is tried at each. What went wrong, in words. */
const channels: Readonly<
  Record<string, (native: Native, address: string, sides: Sides) => Promise<string[]>>
> = {
  subscribe: async (native, address, sides) => {
    const wrong: string[] = [];
    for (const name of await clientMessages(native)) {
      const says = messages[name];
      if (says === undefined) throw new Error(`what is tried with the message ${name}?`);
      for (const { who, message, answer } of says(sides)) {
        const [got] = await socketSays(native, address, message);
        const told = typeof got === "string" ? (JSON.parse(got) as Json) : {};
        const isRight = Object.entries(answer).every(([field, value]) => told[field] === value);
        if (!isRight) wrong.push(`${name}, ${who}: is told ${String(got)}`);
      }
    }
    return wrong;
  },
  pictures: (native, address, sides) => tokensOpenNothing(native, address, sides),
};

/** What else takes connections there, though not for generators: tunnels' ends, which take bytes; boards (below). */
const TUNNELS = ["/v1/tunnels", "/v1/tunnels/device"];

/** Raises Error for a channel or message of the document that nobody has thought of here. */
export async function triesSockets(native: Native, sides: Sides): Promise<string[]> {
  const wrong: string[] = [];
  const { channels: described } = (await asyncapi(native)) as {
    channels: Record<string, { address: string }>;
  };
  for (const [name, { address }] of Object.entries(described)) {
    const tries = channels[name];
    if (tries === undefined) throw new Error(`what is tried at the channel ${name}?`);
    wrong.push(...(await tries(native, address, sides)));
  }
  for (const address of TUNNELS) wrong.push(...(await tokensOpenNothing(native, address, sides)));
  return [...wrong, ...(await boards(native, sides))];
}

async function asyncapi({ system }: Native): Promise<Json> {
  const response = await fetch(`${system.wsUrl.replace("ws:", "http:")}/v1/asyncapi.json`);
  return (await response.json()) as Json;
}

async function clientMessages(native: Native): Promise<string[]> {
  const { operations } = (await asyncapi(native)) as {
    operations: Record<string, { action: string; messages: { $ref: string }[] }>;
  };
  return Object.values(operations)
    .filter(({ action }) => action === "receive")
    .flatMap(({ messages: refs }) => refs.map(({ $ref }) => $ref.split("/").at(-1) ?? ""));
}

async function tokensOpenNothing(native: Native, address: string, { victim }: Sides): Promise<string[]> {
  const tokens = ["", "?token=", `?token=${GUESS}`, "?token=%00", `?token=${"a".repeat(4_000)}`];
  for (const name of ["editToken", "upload", "download", "storage", "file", "admin"]) {
    tokens.push(`?token=${victim.secrets[name]}`);
  }
  const wrong: string[] = [];
  for (const query of tokens) {
    const got = await socketSays(native, `${address}${query}`);
    if (got.length > 0) wrong.push(`${address}${query.slice(0, 12)}: is told ${String(got[0])}`);
  }
  return wrong;
}

/** Boards say hello; each with what is no key that may write. */
async function boards(native: Native, { victim }: Sides): Promise<string[]> {
  const wrong: string[] = [];
  for (const name of [...NO_KEYS, "read", "signingSecret", "boardless"]) {
    const hello = {
      ...{ version: 3, apiKey: victim.secrets[name] ?? GUESS, deviceId: victim.things["device"] },
      ...{ deviceType: "BOARD", connection: "ip", sensors: [] },
    };
    const [got] = await socketSays(native, "", { hello });
    if (!String(got).includes('"hello":false')) wrong.push(`a board with ${name} is told ${String(got)}`);
  }
  return wrong;
}

/** What comes back first, or nothing when it is closed. */
async function socketSays({ system }: Native, address: string, message?: Json): Promise<unknown[]> {
  const socket = new WebSocket(`${system.wsUrl}${address}`);
  const got: unknown[] = [];
  let isOver = false;
  socket.onmessage = ({ data }) => got.push(data);
  socket.onclose = () => {
    isOver = true;
  };
  socket.onerror = () => undefined;
  socket.onopen = () => {
    if (message !== undefined) socket.send(JSON.stringify(message));
  };
  await until("an answer", () => got.length > 0 || isOver);
  socket.close();
  return got;
}
