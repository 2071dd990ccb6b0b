import { gzipSync } from "node:zlib";
import type { Native } from "../native/native.fixture.js";
import { owns } from "./attacks.fixture.js";
import { exampleOf, takesAll } from "./judge.fixture.js";
import { type Answered, type Asked, build, type Operation, send } from "./request.fixture.js";
import type { Tenant } from "./tenant.fixture.js";

/** In the place of an id, as it stands in a path: other places, and subjects of the log. */
const ALWAYS = ["%00", "..%2f..%2fsecrets", "*"];
/** And more of these, others at each parameter: header lines, too much, what is no text, what languages know. */
const IN_TURN = [
  ...["..", "%252e%252e", "%ff", "%0d%0aset-cookie:%20a=b", "%20", "%3e", "_", "__proto__", "-1"],
  ...["9007199254740993", "%27%20or%201=1--", "a".repeat(5_000)],
];
let turn = 0;
const ids = () => [...ALWAYS, ...Array.from({ length: 3 }, () => IN_TURN[turn++ % IN_TURN.length] ?? "")];

const DEEP = "[".repeat(100_000);
const BOMB = gzipSync(Buffer.alloc(10_000_000, " "));
/** In the place of what a query has, twice. */
const VALUES = ["%ff", "a".repeat(5_000)];

type Sent = readonly [body: string | Uint8Array, headers: Record<string, string>];
/** In the place of a body. */
const BODIES: readonly Sent[] = [
  [`${DEEP}${DEEP.replaceAll("[", "]")}`, {}],
  [`{"a":${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}}`, {}],
  ['{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}', {}],
  ['{"a":1e999}', {}],
  ["null", {}],
  [Buffer.from([0xff, 0xfe, 0x00]), {}],
  [BOMB, { "content-encoding": "gzip" }],
  ["--x\r\n".repeat(20_000), { "content-type": "multipart/form-data; boundary=x" }],
  [Buffer.alloc(100_000, 0x81), { "content-type": "application/cbor" }],
];
/** In the place of a text in a body that is right: what PostgreSQL keeps no text of, and UTF-8 none. */
const TEXTS = ["a\0b", "\ud800"];

/** The body, once for each text in it and each of {@link TEXTS} in its place. */
function spoilt(body: unknown): string[] {
  if (typeof body !== "string" || !body.startsWith("{")) return [];
  const texts = [...body.matchAll(/:("(?:[^"\\]|\\.)*")/g)];
  return texts.flatMap(({ index, 1: text = "" }) =>
    TEXTS.map((wrong) => {
      const at = index + 1;
      return `${body.slice(0, at)}${JSON.stringify(wrong)}${body.slice(at + text.length)}`;
    }),
  );
}

/** Whoever may call an operation gives it what nobody means: what the server did not bear, in words. */
export async function mistreats(native: Native, operation: Operation, tenant: Tenant): Promise<string[]> {
  const example = exampleOf(operation);
  const { shown, things } = owns(operation, example, tenant, native.system.adminKey);
  const right = build(operation, example, things, shown);
  const ask = async (what: string, asked: Asked) => {
    const harm = harmed(await send(native, asked));
    return harm === undefined ? [] : [`${operation.id}, ${what}: ${harm}`];
  };
  const inPath = [...operation.path.matchAll(/\{(\w+)\}/g)].flatMap(([, parameter = ""]) =>
    ids().map((id) => {
      const at = { ...example.at, [parameter]: "hostile" };
      const asked = build(operation, { ...example, at }, { ...things, hostile: id }, shown);
      return ask(`${parameter} ${id.slice(0, 40)}`, asked);
    }),
  );
  const inQuery = operation.queries.flatMap((name) =>
    VALUES.map((value) => {
      const url = `${right.url}${right.url.includes("?") ? "&" : "?"}${name}=${value}&${name}=${value}`;
      return ask(`query ${name} ${value.slice(0, 40)}`, { ...right, url });
    }),
  );
  const once = operation.queries.map((name) => {
    const url = `${right.url.split("?")[0]}?${name}=%00`;
    return ask(`query ${name} NUL`, { ...right, url });
  });
  const wrong = (await Promise.all([...inPath, ...inQuery, ...once])).flat();
  // A body might be right by chance.
  if (!operation.takesBody || takesAll(example)) return wrong;
  const texts = spoilt(right.body).map((body): Sent => [body, {}]);
  for (const [body, headers] of [...BODIES, ...texts]) {
    const asked = { ...right, body, headers: { ...right.headers, ...headers } };
    wrong.push(...(await ask(`body ${String(body).slice(0, 60)}`, asked)));
  }
  return wrong;
}

function harmed({ status, data, cookies }: Answered): string | undefined {
  if (cookies.some((cookie) => cookie.startsWith("a="))) return "a header came out of an id";
  return status < 500 ? undefined : `is answered ${status} ${data.toString().slice(0, 200)}`;
}
