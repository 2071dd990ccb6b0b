import { type Command, InvalidArgumentError, Option } from "commander";
import type { ApiKey, HmacKey } from "../api/answers.js";
import { part } from "../api/api.js";
import { contextOf, examples, NAMESPACE } from "../context.js";
import { table } from "../output/table.js";
import { clean, time } from "../output/text.js";
import type { World } from "../world.js";

/** Kinds of which auth knows what they may do. */
const BOARDS = ["edge-impulse", "hmac"];

interface Scope {
  namespace: string;
  allNamespaces?: boolean;
}

const ALL = [
  "--all-namespaces",
  "keys that are good for every namespace, instead of one namespace's",
] as const;

export function addKeys(program: Command, world: World): void {
  const keys = program
    .command("keys")
    .description("API keys: what programs and people present to the API.")
    .addHelpText(
      "afterAll",
      examples(
        ["fieldlog keys create --permission read --name dashboard", "a key that may read namespace default"],
        ["fieldlog keys create -n test --permission write --expires 30d", "one that ends by itself"],
        ["fieldlog keys list", "the keys of namespace default"],
        ["fieldlog keys revoke 5f0c…", "it stops working within a second"],
      ),
    );

  keys
    .command("create")
    .description("A new key, which is shown this once.")
    .option(...NAMESPACE)
    .option(...ALL)
    .addOption(
      new Option(
        "--permission <permission>",
        "what it may do; may be left out for kinds edge-impulse (write) and hmac (none)",
      ).choices(["read", "write", "admin"]),
    )
    .addOption(
      new Option("--kind <kind>", "whose key")
        .choices(["native", "edge-impulse", "cred", "hmac"])
        .default("native"),
    )
    .option("--name <name>", "what it is for, for people")
    .option("--expires <when>", "30d, 12h, 45m, or a time such as 2027-01-31T00:00:00Z", (text) =>
      expiry(text, world.now()),
    )
    .action(async (options: Scope & Record<string, string | undefined>, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const { kind = "native", permission, name, expires } = options;
      if (permission === undefined && !BOARDS.includes(kind)) {
        command.error(`error: a key of kind ${kind} needs --permission`);
      }
      const created = await api.post<ApiKey & { key: string }>(pathOf(options), {
        kind,
        permission,
        name,
        expires,
      });
      print(
        created,
        () =>
          `${paint("bold", clean(created.key))}\n\n` +
          `Keep it now: it is not shown again. To revoke it: fieldlog keys revoke ${scopeFlags(options)}${clean(created.id)}\n`,
      );
    });

  keys
    .command("list")
    .description("The keys, without what is secret.")
    .option(...NAMESPACE)
    .option(...ALL)
    .action(async (options: Scope, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const answer = await api.get<{ keys: ApiKey[] }>(pathOf(options));
      print(answer, () =>
        answer.keys.length === 0
          ? `There are no keys ${options.allNamespaces ? "for all namespaces" : `in namespace ${options.namespace}`}.\n`
          : table(
              ["ID", "NAME", "KIND", "PERMISSION", "CREATED", "STATE"],
              answer.keys.map((key) => [
                clean(key.id),
                clean(key.name, 40),
                clean(key.kind),
                clean(key.permission),
                time(key.createdAt),
                stateOf(key, world.now()),
              ]),
              paint,
            ),
      );
    });

  keys
    .command("hmac")
    .description("The keys with which boards sign what they sample.")
    .option(...NAMESPACE)
    .action(async (options: Scope, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const answer = await api.get<{ keys: HmacKey[] }>(
        `/v1/namespaces/${part(options.namespace)}/hmac-keys`,
      );
      const row = ({ id, name, key, createdAt }: HmacKey) => [
        ...[clean(id), clean(name, 40), clean(key), time(createdAt)],
      ];
      print(answer, () =>
        answer.keys.length === 0
          ? `There are none in namespace ${options.namespace}; one is made when the first board needs it.\n`
          : table(["ID", "NAME", "KEY", "CREATED"], answer.keys.map(row), paint),
      );
    });

  keys
    .command("revoke")
    .argument("<id>", "the key's id, not the key")
    .description("Ends a key. Revoking it twice is no error.")
    .option(...NAMESPACE)
    .option(...ALL)
    .action(async (id: string, options: Scope, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      await api.delete(`${pathOf(options)}/${part(id)}`);
      print({ id, revoked: true }, () => `${paint("green", "Revoked")} key ${clean(id)}.\n`);
    });
}

function pathOf({ namespace, allNamespaces }: Scope): string {
  return allNamespaces ? "/v1/api-keys" : `/v1/namespaces/${part(namespace)}/api-keys`;
}

function scopeFlags({ namespace, allNamespaces }: Scope): string {
  if (allNamespaces) return "--all-namespaces ";
  return namespace === "default" ? "" : `-n ${namespace} `;
}

function stateOf({ revokedAt, expiresAt }: ApiKey, now: number): string {
  if (revokedAt) return `revoked ${time(revokedAt)}`;
  if (!expiresAt) return "good";
  return `${Date.parse(expiresAt) <= now ? "expired" : "until"} ${time(expiresAt)}`;
}

const UNITS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000 };

/** "30d", "12h", "45m" from `now`, or an RFC 3339 time, as an RFC 3339 time. */
export function expiry(text: string, now: number): string {
  const [, amount, unit] = /^(\d{1,5})([dhm])$/.exec(text) ?? [];
  const ms = amount && unit ? now + Number(amount) * (UNITS[unit] ?? 0) : exactTime(text);
  if (Number.isNaN(ms))
    throw new InvalidArgumentError("It is neither a span such as 30d nor an RFC 3339 time.");
  if (ms <= now) throw new InvalidArgumentError("It lies in the past.");
  return new Date(ms).toISOString();
}

function exactTime(text: string): number {
  return /^\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
}
