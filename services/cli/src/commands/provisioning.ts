import { type Command, InvalidArgumentError, Option } from "commander";
import type { ProvisioningOperation, ProvisioningToken } from "../api/answers.js";
import { type Api, part } from "../api/api.js";
import { contextOf, examples, NAMESPACE, type Scope } from "../context.js";
import { table } from "../output/table.js";
import { clean, time } from "../output/text.js";
import type { World } from "../world.js";
import { expiry } from "./keys.js";
import { positive } from "./values.js";

interface TokenOptions extends Scope {
  readonly name: string;
  readonly expires?: string;
  readonly registrations?: number;
  readonly lifetime?: number;
  readonly deviceId: string;
  readonly device?: string;
  readonly approved?: boolean;
}

const STATES = ["pending", "approved", "completed", "cancelled", "expired"];
const ID_MODES = ["either", "device", "device-only", "technician", "technician-only", "none"];

/** How devices come in that nobody has registered. */
export function addProvisioning(program: Command, world: World): void {
  const provisioning = program
    .command("provisioning")
    .description("Devices that come in by themselves: what they come with, and who lets them in.")
    .addHelpText(
      "afterAll",
      examples(
        ["fieldlog provisioning token create --name spring-fleet", "what devices come with"],
        ["fieldlog provisioning list", "who wants in"],
        ["fieldlog provisioning approve K7QP-3M4X", "the device that shows this code"],
        ["fieldlog provisioning approve K7QP-3M4X --device cellar-2", "the same, under another id"],
      ),
    );
  addOperations(provisioning, world);
  addTokens(provisioning, world);
}

function addOperations(provisioning: Command, world: World): void {
  provisioning
    .command("list")
    .description("Devices that want in; the newest first.")
    .option(...NAMESPACE)
    .option("--limit <number>", "how many at most", positive, 100)
    .addOption(new Option("--state <state>", "only those").choices([...STATES, "any"]).default("pending"))
    .action(async (options: Scope & { limit: number; state: string }, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const { namespace, limit, state } = options;
      const query = { limit, ...(state === "any" ? {} : { state }) };
      const answer = await api.get<{ operations: ProvisioningOperation[] }>(pathOf(namespace), query);
      print(answer, () =>
        answer.operations.length === 0
          ? `No such device in namespace ${clean(namespace)}.\n`
          : table(
              ["CODE", "DEVICE", "STATE", "FROM", "SAYS", "BEGAN", "EXPIRES"],
              answer.operations.map(rowOf),
              paint,
            ),
      );
    });

  provisioning
    .command("approve")
    .argument("<code>", "the verification code that the device shows, or the operation's id")
    .description("Lets a device in.")
    .option(...NAMESPACE)
    .option("--device <id>", "under this id, instead of that which it asks for")
    .option("--lifetime <span>", "how long its tokens are good for: 30d, 12h; or `forever`", lifetime)
    .action(
      async (code: string, options: Scope & { device?: string; lifetime?: number }, command: Command) => {
        const { api, print, paint } = contextOf(command, world);
        const { namespace, device, lifetime: registrationLifetimeS } = options;
        const path = `${pathOf(namespace)}/${part(await idOf(api, namespace, code))}/approve`;
        const done = await api.post<ProvisioningOperation>(path, { device, registrationLifetimeS });
        print(
          done,
          () => `${paint("green", "Approved")}: device ${paint("bold", clean(done.device ?? ""))}.\n`,
        );
      },
    );

  provisioning
    .command("cancel")
    .argument("<code>", "the verification code that the device shows, or the operation's id")
    .description("Does not let a device in.")
    .option(...NAMESPACE)
    .action(async (code: string, { namespace }: Scope, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const id = await idOf(api, namespace, code);
      await api.post(`${pathOf(namespace)}/${part(id)}/cancel`, {});
      print({ id, cancelled: true }, () => `${paint("green", "Cancelled")} ${clean(code)}.\n`);
    });
}

function addTokens(provisioning: Command, world: World): void {
  const tokens = provisioning.command("token").description("What devices come with; many may share one.");
  const list = (namespace: string) => `/v1/namespaces/${part(namespace)}/provisioning-tokens`;

  tokens
    .command("create")
    .description("A new one, which is shown this once.")
    .option(...NAMESPACE)
    .requiredOption("--name <name>", "what it is for, for people")
    .option("--expires <when>", "30d, 12h, or a time such as 2027-01-31T00:00:00Z", (text) =>
      expiry(text, world.now()),
    )
    .option("--registrations <number>", "at most so many devices", positive)
    .option("--lifetime <span>", "how long devices' own tokens are good for: 30d, 12h", lifetime)
    .addOption(new Option("--device-id <who>", "who chooses it").choices(ID_MODES).default("either"))
    .option("--device <id>", "that a device gets where nobody chooses one")
    .option("--approved", "devices that come with it need nobody's approval")
    .action(async (options: TokenOptions, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const {
        namespace,
        name,
        expires,
        registrations,
        lifetime: seconds,
        deviceId,
        device,
        approved,
      } = options;
      const registrationLifetimeS = seconds === 0 ? undefined : seconds;
      const modes = { deviceIdMode: deviceId, device, approved };
      const asked = { name, expires, registrations, registrationLifetimeS, ...modes };
      const made = await api.post<ProvisioningToken & { token: string }>(list(namespace), asked);
      print(made, () => shown(paint("bold", clean(made.token)), made.id));
    });

  tokens
    .command("list")
    .description("All of a namespace, without what is secret.")
    .option(...NAMESPACE)
    .action(async ({ namespace }: Scope, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const answer = await api.get<{ tokens: ProvisioningToken[] }>(list(namespace));
      print(answer, () =>
        answer.tokens.length === 0
          ? `There are none in namespace ${clean(namespace)}.\n`
          : table(["ID", "NAME", "CREATED", "DEVICES", "STATE"], answer.tokens.map(tokenRow), paint),
      );
    });

  tokens
    .command("regenerate")
    .argument("<id>", "the token's id, not the token")
    .description("A new one in its place. Devices that have the old one cannot renew what they have.")
    .option(...NAMESPACE)
    .action(async (id: string, { namespace }: Scope, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const path = `${list(namespace)}/${part(id)}/regenerate`;
      const made = await api.post<ProvisioningToken & { token: string }>(path, {});
      print(made, () => shown(paint("bold", clean(made.token)), made.id));
    });

  for (const [name, done, description] of [
    ["disable", "Disabled", "Lets no device in with it, until it is enabled."],
    ["enable", "Enabled", "Lets devices in with it again."],
  ] as const) {
    tokens
      .command(name)
      .argument("<id>", "the token's id, not the token")
      .description(description)
      .option(...NAMESPACE)
      .action(async (id: string, { namespace }: Scope, command: Command) => {
        const { api, print, paint } = contextOf(command, world);
        await api.post(`${list(namespace)}/${part(id)}/${name}`, {});
        print({ id, enabled: name === "enable" }, () => `${paint("green", done)} ${clean(id)}.\n`);
      });
  }
}

/** The operation's id; of a code, that which waits under it. */
async function idOf(api: Api, namespace: string, code: string): Promise<string> {
  return (await api.get<ProvisioningOperation>(`${pathOf(namespace)}/${part(code)}`)).id;
}

function pathOf(namespace: string): string {
  return `/v1/namespaces/${part(namespace)}/provisioning-operations`;
}

function shown(token: string, id: string): string {
  return `${token}\n\nKeep it now: it is not shown again. To disable it: fieldlog provisioning token disable ${clean(id)}\n`;
}

function rowOf(one: ProvisioningOperation): string[] {
  const says = Object.entries(one.attributes).map(([name, value]) => `${name}=${value}`);
  return [
    ...[clean(one.verificationCode), clean(one.device ?? one.askedDevice ?? "-", 40), clean(one.state)],
    ...[clean(one.address), clean(says.join(" "), 40), time(one.begunAt), time(one.expiresAt)],
  ];
}

function tokenRow(one: ProvisioningToken): string[] {
  const most = one.mostRegistrations === null ? "" : ` of ${one.mostRegistrations}`;
  const until = one.expiresAt === null ? "good" : `until ${time(one.expiresAt)}`;
  return [
    ...[clean(one.id), clean(one.name, 40), time(one.createdAt), `${one.registrations}${most}`],
    one.enabled ? until : "disabled",
  ];
}

const SECONDS: Readonly<Record<string, number>> = { d: 86_400, h: 3_600, m: 60 };

/** Seconds; 0: for ever. */
function lifetime(text: string): number {
  if (text === "forever") return 0;
  const [, amount, unit] = /^(\d{1,5})([dhm])$/.exec(text) ?? [];
  const seconds = Number(amount) * (SECONDS[unit ?? ""] ?? Number.NaN);
  if (seconds > 0) return seconds;
  throw new InvalidArgumentError("It is a span such as 30d or 12h, or `forever`.");
}
