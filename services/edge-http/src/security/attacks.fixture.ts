import { Webhook } from "standardwebhooks";
import { dateOf, signature } from "../csn/hand.fixture.js";
import type { Example, Operation, Shown } from "./request.fixture.js";
import type { Tenant, Things } from "./tenant.fixture.js";

/** Who tries, and at whom. */
export interface Sides {
  readonly attacker: Tenant;
  readonly victim: Tenant;
}

/** One attempt to use what is another's, or without the right to. */
export interface Attack {
  /** Who tries. */
  readonly who: string;
  readonly things: Things;
  readonly shown: Shown;
  /**
   * "foreign": what is shown is good in the attacker's namespace; where nothing of the victim's is named, it is only
   * used as it may be. "elsewhere": the same, and the victim's things are named in the attacker's namespace.
   */
  readonly kind: "void" | "foreign" | "elsewhere";
}

const MADE_UP = "0123456789abcdef".repeat(4);
/** What opens something as an API key, whatever it is good for. */
const API_KEYS = new Set([
  ...["read", "write", "admin", "revoked", "boardKey", "operatorKey"],
  ...["readCredKey", "writeCredKey", "adminCredKey", "revokedCredKey"],
]);
const SESSIONS = new Set(["ownerSession", "editorSession", "readerSession"]);

/** Secrets of other kinds that are tried at one operation. */
const OTHERS = 3;

type Say = (secret: string) => Shown;
type Ways = (operation: Operation, example: Example, sides: Sides) => Attack[];

const bearer: Say = (key) => ({ headers: { authorization: `Bearer ${key}` } });
const boardKey: Say = (key) => ({ headers: { "x-api-key": key } });
const cookie: Say = (session) => ({ headers: { cookie: `sessionKey=${session}` } });
const deviceToken: Say = (token) => ({ headers: { authorization: `DeviceToken ${token}` } });
const accessSignature: Say = (token) => ({ headers: { authorization: token } });

/** Whoever shows that, and has no right to: a guess, somebody whose right has ended, or who never had it. */
function withoutRight(who: string, { things }: Pick<Tenant, "things">, shown: Shown): Attack {
  return { who, things, shown, kind: "void" };
}

const nobody = ({ victim }: Sides): Attack => withoutRight("nobody", victim, {});
const madeUp = (say: Say, { victim }: Sides, secret = MADE_UP): Attack =>
  withoutRight("a guess", victim, say(secret));

/** Secrets of the victim's that are void, weaker than needed, or something else. */
function withSecrets(say: Say, { victim }: Sides, names: readonly (string | undefined)[]): Attack[] {
  return names.flatMap((name) => {
    const secret = name === undefined ? undefined : victim.secrets[name];
    if (secret === undefined) return [];
    return [withoutRight(`whoever has ${name}`, victim, say(secret))];
  });
}

/** Some of the victim's secrets that are something else: others of them at each operation, so that all have their turn. */
function otherSecrets({ victim }: Sides, isGood: (name: string) => boolean): string[] {
  const names = Object.keys(victim.secrets).filter((name) => !isGood(name));
  return Array.from({ length: OTHERS }, () => names[turn++ % names.length] ?? "");
}
let turn = 0;

/** What is good in the attacker's namespace: at the victim's, and with the victim's things in the attacker's. */
function foreign(say: Say, { attacker, victim }: Sides, name: string): Attack[] {
  const shown = say(attacker.secrets[name] ?? "");
  const places = ["ns", "network_identifier", "project"].map((name) => [name, attacker.things[name] ?? ""]);
  const elsewhere: Things = { ...victim.things, ...Object.fromEntries(places) };
  return [
    { who: `another's ${name}`, things: victim.things, shown, kind: "foreign" },
    { who: `another's ${name}, in its own namespace`, things: elsewhere, shown, kind: "elsewhere" },
  ];
}

/** The best key that is not good enough. */
function weaker({ tag, needs }: Operation): string | undefined {
  if (tag === "native" && needs === "admin") return "admin";
  if (needs === "namespace-admin" || needs === "admin") return "write";
  return needs === "writer" || needs === "write" ? "read" : undefined;
}

/** By what an operation needs: the same of sessions, of people and of cred's clients. */
const weakerSession: Readonly<Record<string, string>> = {
  ...{ owner: "editorSession", editor: "readerSession" },
  ...{ admin: "writeCredSession", write: "readCredSession" },
};

/** By what callers may show. */
const ways: Readonly<Record<string, Ways>> = {
  apiKey: (operation, _example, sides) => {
    const isEdited = operation.by.includes("editToken");
    const others = otherSecrets(sides, (name) => API_KEYS.has(name) || (isEdited && name === "editToken"));
    return [
      ...[nobody(sides), madeUp(bearer, sides, `fl_${MADE_UP}`)],
      ...withSecrets(bearer, sides, ["revoked", "revokedCredKey", weaker(operation), ...others]),
      ...foreign(bearer, sides, "admin"),
    ];
  },
  boardKey: (operation, _example, sides) => [
    ...[nobody(sides), madeUp(boardKey, sides, `ei_${MADE_UP}`)],
    ...withSecrets(boardKey, sides, ["revoked", weaker(operation)]),
    ...withSecrets(
      boardKey,
      sides,
      otherSecrets(sides, (name) => API_KEYS.has(name)),
    ),
    ...foreign(boardKey, sides, "admin"),
  ],
  editToken: (_operation, _example, sides) => [
    ...withSecrets(bearer, sides, ["otherEditToken"]),
    madeUp((token) => bearer(token.slice(0, -2)), sides, sides.victim.secrets["editToken"]),
    ...foreign(bearer, sides, "editToken"),
  ],
  signature: ({ path }, _example, { attacker, victim }) => {
    const by = (device: string | undefined, secret: string | undefined) =>
      stamped(device ?? "", secret ?? "");
    const { things, secrets } = victim;
    const attack = (who: string, shown: Shown) => withoutRight(who, victim, shown);
    return [
      attack("another's device", by(attacker.things["device"], attacker.secrets["signingSecret"])),
      attack("another's device by this one's name", by(things["device"], attacker.secrets["signingSecret"])),
      attack("a device by another's name", by(things["device"], secrets["otherSigningSecret"])),
      ...(path.includes("{device}")
        ? [attack("a device for another one", by(things["other"], secrets["otherSigningSecret"]))]
        : []),
    ];
  },
  csnSignature: (_operation, _example, { attacker, victim }) => {
    const elsewhere = { things: { ...victim.things, ns: attacker.place.id } };
    return [
      withoutRight("nobody", victim, {}),
      withoutRight("a guess", victim, signs(MADE_UP)),
      withoutRight("another's client", victim, signs(attacker.secrets["clientSecret"])),
      withoutRight("a client, in another's namespace", elsewhere, signs(victim.secrets["clientSecret"])),
    ];
  },
  session: ({ needs }, _example, sides) => [
    ...[nobody(sides), madeUp(bearer, sides)],
    ...withSecrets(bearer, sides, ["endedSession", weakerSession[needs ?? ""]]),
    ...withSecrets(
      bearer,
      sides,
      otherSecrets(sides, (name) => SESSIONS.has(name)),
    ),
    ...foreign(bearer, sides, "ownerSession"),
  ],
  credSession: ({ needs }, _example, sides) => [
    ...[nobody(sides), madeUp(cookie, sides)],
    ...withSecrets(cookie, sides, ["revokedCredSession", "ownerSession", "admin", "adminCredKey"]),
    ...withSecrets(cookie, sides, [weakerSession[needs ?? ""]]),
    ...foreign(cookie, sides, "adminCredSession").filter(({ kind }) => kind === "foreign"),
  ],
  // Few of these, since an address that tries many is not listened to any more.
  provisioningToken: ({ id }, _example, sides) => [
    ...[nobody(sides), madeUp(deviceToken, sides, `pt_${MADE_UP}`)],
    ...(id === "spotflow-init"
      ? withSecrets(deviceToken, sides, ["replacedProvisioning", "disabledProvisioning", "registration"])
      : []),
    ...foreign(deviceToken, sides, "provisioning").slice(0, 1),
  ],
  registrationToken: (_operation, _example, sides) => [
    ...[nobody(sides), madeUp(deviceToken, sides)],
    ...withSecrets(deviceToken, sides, ["provisioning", "admin"]),
  ],
  connectionToken: (_operation, _example, sides) => [
    ...[nobody(sides), madeUp(accessSignature, sides)],
    madeUp(accessSignature, sides, `SharedAccessSignature sr=x&sig=${MADE_UP}&se=9999999999`),
    ...withSecrets(accessSignature, sides, ["registration", "provisioning"]),
    ...foreign(accessSignature, sides, "connection").slice(0, 1),
  ],
  capability: (_operation, { capability = "" }, { attacker, victim }) => {
    const good = victim.secrets[capability] ?? "";
    const having = (who: string, secret: string, kind: Attack["kind"] = "void"): Attack => ({
      ...{ who, things: { ...victim.things, capability: secret }, shown: {}, kind },
    });
    const others = ["upload", "download", "file", "storage", "editToken"].filter(
      (name) => name !== capability,
    );
    const changed = `${good.slice(0, 20)}${good[20] === "A" ? "B" : "A"}${good.slice(21)}`;
    return [
      ...[having("a guess", MADE_UP), having("a guess at the end", good.slice(0, -2))],
      having("a guess in the middle", changed),
      ...others.map((name) => having(`whoever has ${name}`, victim.secrets[name] ?? "")),
      having(`another's ${capability}`, attacker.secrets[capability] ?? "", "foreign"),
    ];
  },
};

/** Raises Error for a way in that nobody has thought of here. */
export function attacksOn(operation: Operation, example: Example, sides: Sides): Attack[] {
  // Anybody may call it, in namespaces that are open to CSN: no tenant here is.
  if (operation.tag === "csn" && operation.by.length === 0) return [nobody(sides)];
  return operation.by.flatMap((by) => {
    const way = ways[by];
    if (way === undefined) throw new Error(`${operation.id}: how is ${by} attacked?`);
    return way(operation, example, sides).map((attack) => ({ ...attack, who: `${attack.who} as ${by}` }));
  });
}

/** How its owner calls an operation. */
export function owns({ by, tag, needs }: Operation, { capability }: Example, owner: Tenant, admin: string) {
  const { secrets, things } = owner;
  const secret = (name: string) => secrets[name] ?? "";
  const shown: Record<string, () => Shown> = {
    apiKey: () => bearer(tag === "native" && needs === "admin" ? admin : secret("admin")),
    boardKey: () => boardKey(secret("admin")),
    session: () => bearer(secret("ownerSession")),
    credSession: () => cookie(secret("adminCredSession")),
    csnSignature: () => signs(secret("clientSecret")),
    provisioningToken: () => deviceToken(secret("provisioning")),
    registrationToken: () => deviceToken(secret("registration")),
    connectionToken: () => accessSignature(secret("connection")),
    capability: () => ({}),
  };
  const show = shown[by[0] ?? ""];
  if (show === undefined) throw new Error(`how is ${by[0]} shown?`);
  const withCapability =
    by.includes("apiKey") || capability === undefined ? {} : { capability: secret(capability) };
  return { shown: show(), things: { ...things, ...withCapability } };
}

let messages = 0;
/** A CSN client's signature of its next message. */
function signs(secret = ""): Shown {
  return { sign: () => signature({ id: ++messages, secret, date: dateOf(Date.now()) }) };
}

/** Standard Webhooks' signature of a device. */
function stamped(device: string, secret: string): Shown {
  const stamp = (body: string) => {
    const [id, at] = [crypto.randomUUID(), new Date()];
    return {
      ...{ "webhook-id": id, "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)) },
      ...{ "webhook-signature": new Webhook(secret).sign(id, at, body), "fieldlog-device": device },
    };
  };
  return { stamp };
}
