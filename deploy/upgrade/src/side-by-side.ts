import { Caller, type Doors, EVENTS, Load } from "./load.js";
import { differences, eventsAt, patiently, within } from "./read-back.js";
import type { Running, Version } from "./version.js";

/** What was done, and what is not right. */
export interface Findings {
  readonly acknowledged: number;
  /** Read models that the new version built anew, beside those of the old. */
  readonly rebuilt: readonly string[];
  readonly problems: readonly string[];
}

/**
 * The old version, then both on the same log and the same tables, each also with a door of the other before its
 * services, then the new one alone; under load all the time. Everything is stopped at the end.
 */
export async function sideBySide(
  old: Version,
  current: Version,
  key: string,
  say: (step: string) => void,
): Promise<Findings> {
  const doors: Doors = new Set();
  const started: Running[] = [];
  const open = async (starting: Promise<Running>) => {
    const running = await starting;
    say(`${running.name}: ready`);
    started.push(running);
    doors.add(running);
    return running;
  };
  const close = async (running: Running) => {
    doors.delete(running);
    await running.process.stop();
    say(`${running.name}: stopped`);
  };
  const caller = new Caller(key, doors);
  let load: Load | undefined;
  try {
    const before = await open(old.whole());
    const subscriber = await Subscriber.of(caller);
    load = new Load(caller, doors);
    const versions = await readModels(caller, before);
    const problems = [...(await crossed(caller, [before], "old"))];

    const after = await open(current.whole());
    const mixed = [await open(current.door(before)), await open(old.door(after))];
    problems.push(...(await crossed(caller, [before, after, ...mixed], "both")));
    await subscriber.poll(doors);
    await caughtUp(caller, after, say);
    problems.push(...(await crossed(caller, [before, after, ...mixed], "caught-up")));

    for (const running of [...mixed, before]) await close(running);
    problems.push(...(await crossed(caller, [after], "new")));
    await load.stop();
    await subscriber.pollUntil(doors, load.acknowledged.size);
    await caughtUp(caller, after, say);

    const now = await readModels(caller, after);
    const rebuilt = [...now]
      .filter(([name, version]) => versions.get(name) !== version)
      .map(([name]) => name);
    problems.push(...load.failedReads.slice(0, 20), ...subscriber.problems(load.acknowledged));
    problems.push(...differences("the table", await eventsAt(caller, after), load.acknowledged));
    return { acknowledged: load.acknowledged.size, rebuilt, problems };
  } catch (error) {
    for (const { name, log } of started) process.stderr.write(`--- ${name}\n${log()}\n`);
    throw error;
  } finally {
    await load?.stop().catch(() => undefined);
    for (const { process: each } of started) await each.stop();
  }
}

/** What is written through each door is read through every other: facts and decisions. */
async function crossed(caller: Caller, doors: readonly Running[], label: string): Promise<string[]> {
  const problems: string[] = [];
  for (const [index, writer] of doors.entries()) {
    const name = `${label}-${index}`;
    const device = await patiently(
      () => caller.at(writer, "POST", "namespaces/default/devices", { name }),
      [201],
    );
    const event = { name: "Crossed", id: name, device: device.json.id };
    await patiently(() => caller.at(writer, "POST", EVENTS, event), [201]);
    for (const reader of doors) {
      const seen = async () => {
        const shown = await caller.at(reader, "GET", `namespaces/default/devices/${device.json.id}`);
        const events = await caller.at(reader, "GET", `${EVENTS}?device=${device.json.id}`);
        return shown.status === 200 && JSON.stringify(events.json).includes(`"${name}"`);
      };
      if (!(await within(seen)))
        problems.push(`what was written through ${writer.name} is not read through ${reader.name}`);
    }
  }
  return problems;
}

/** A subscription that is read through the doors in turn. */
class Subscriber {
  private readonly got: number[] = [];
  private next: number | undefined;
  private turn = 0;

  private constructor(
    private readonly caller: Caller,
    private readonly id: string,
  ) {}

  static async of(caller: Caller): Promise<Subscriber> {
    const wanted = { delivery: "poll", filter: { names: ["Upgrade"] } };
    const { json } = await caller.anywhere(0, "POST", "namespaces/default/subscriptions", wanted);
    return new Subscriber(caller, json.id);
  }

  async poll(doors: Doors): Promise<void> {
    for (let i = 0; i < doors.size * 2; i++) await this.page();
  }

  async pollUntil(doors: Doors, count: number): Promise<void> {
    await within(async () => {
      await this.poll(doors);
      return this.got.length >= count;
    });
  }

  problems(acknowledged: ReadonlySet<number>): string[] {
    return differences("the subscriber", this.got, acknowledged);
  }

  private async page(): Promise<void> {
    const after = this.next === undefined ? "" : `&after=${this.next}`;
    const path = `namespaces/default/subscriptions/${this.id}/events?wait=200${after}`;
    const { json } = await this.caller.anywhere(this.turn++, "GET", path);
    for (const { data } of json.events) this.got.push(data);
    this.next = json.next ?? this.next;
  }
}

async function readModels(caller: Caller, door: Running): Promise<Map<string, number>> {
  const { json } = await patiently(() => caller.at(door, "GET", "read-models"), [200]);
  return new Map(
    json.readModels.map((model: { name: string; version: number }) => [model.name, model.version]),
  );
}

/** No read model of the new version is behind or being built. Raises an error if one stays so. */
async function caughtUp(caller: Caller, door: Running, say: (step: string) => void): Promise<void> {
  let states = "";
  const done = await within(async () => {
    const { json } = await patiently(() => caller.at(door, "GET", "read-models"), [200]);
    const all = json.readModels as { name: string; state: string; reason?: string }[];
    const busy = all.filter(({ state }) => state === "rebuilding" || state === "stopped");
    states = busy.map(({ name, state, reason }) => `${name} ${state} ${reason ?? ""}`).join("; ");
    return busy.length === 0;
  });
  if (!done) throw new Error(`read models do not come about: ${states}`);
  say("all read models are those of the new version");
}
