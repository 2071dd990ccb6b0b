import { statusOf } from "../csn/hand.fixture.js";
import type { Native } from "../native/native.fixture.js";
import { type Attack, attacksOn, type Sides } from "./attacks.fixture.js";
import { dialectExamples } from "./dialect-examples.fixture.js";
import { nativeExamples } from "./native-examples.fixture.js";
import { type Answered, type Asked, build, type Example, type Operation, send } from "./request.fixture.js";
import type { Tenant } from "./tenant.fixture.js";

export const examples: Readonly<Record<string, Example>> = { ...nativeExamples, ...dialectExamples };

export const exampleOf = ({ id }: Operation): Example => examples[id] ?? {};

/** Whether whoever calls it has nothing left to try the others with. */
export const takesAll = ({ last = 0 }: Example): boolean => last >= 4;

/** Tries all that is to be tried at one operation; what went wrong, in words. */
export async function tries(native: Native, operation: Operation, sides: Sides): Promise<string[]> {
  const attacks = attacksOn(operation, exampleOf(operation), sides);
  const wrong = await Promise.all(attacks.map((attack) => trial(native, operation, attack, sides)));
  return wrong.flat();
}

async function trial(
  native: Native,
  operation: Operation,
  attack: Attack,
  { attacker, victim }: Sides,
): Promise<string[]> {
  const example = exampleOf(operation);
  const asked = build(operation, example, attack.things, attack.shown);
  const own = { ...attacker.things, capability: attack.things["capability"] ?? "" };
  const isOwn = attack.kind !== "void" && isSame(asked, build(operation, example, own, attack.shown));
  // Nothing of the victim's is named: it is but the attacker's own use, which may go on.
  if (isOwn && (attack.kind === "elsewhere" || takesAll(example))) return [];
  const answered = await send(native, asked);
  const wrong = [
    leaks(answered, victim),
    isOwn ? undefined : notRefused(operation, example, attack, answered),
    notDescribed(native, operation, answered),
  ];
  return wrong.filter((what) => what !== undefined).map((what) => `${operation.id}, ${attack.who}: ${what}`);
}

/** But for the names that examples make up; bytes name nothing. */
function isSame(one: Asked, other: Asked): boolean {
  const named = ({ body }: Asked) => (typeof body === "string" ? body.replaceAll(/made-\w+/g, "") : "");
  return one.url === other.url && named(one) === named(other);
}

/** What nobody else may learn. */
function leaks({ data }: Answered, { canary, secrets }: Tenant): string | undefined {
  const text = data.toString("latin1");
  if (text.includes(canary)) return "is told what the victim keeps";
  const secret = Object.entries(secrets).find(([, value]) => text.includes(value));
  return secret && `is told the victim's ${secret[0]}`;
}

function notRefused(
  { tag }: Operation,
  { refused = [], elsewhere = [] }: Example,
  { kind }: Attack,
  { status, type, data }: Answered,
): string | undefined {
  if (tag === "csn" && type === "application/x-protobuf") {
    const told = statusOf(data);
    return status === 400 && told.type > 0 ? undefined : `is answered ${status}, ${JSON.stringify(told)}`;
  }
  const may = [401, 403, 404, ...refused, ...(kind === "elsewhere" ? elsewhere : [])];
  return may.includes(status) ? undefined : `is answered ${status} ${data.toString().slice(0, 200)}`;
}

/** A refusal is in the dialect's own form, as the document has it. */
function notDescribed(
  native: Native,
  { method, path }: Operation,
  { status, type, data }: Answered,
): string | undefined {
  if (status < 400) return undefined;
  try {
    native.check(method, path, status, type, data.toString());
    return undefined;
  } catch (error) {
    return `is answered ${status} in another form than described: ${(error as Error).message.slice(0, 200)}`;
  }
}
