import { Budget } from "@fieldlog/admission";
import { positionOf, type projections, SIGNALS, sequenceOf, signalsStream } from "@fieldlog/contracts";
import { NOTHING_SAID } from "@fieldlog/events";
import type { Client } from "./access.js";
import { readEvent, readWindow } from "./input.js";
import { type Page, pagesOf } from "./pages.js";
import type { CredParts } from "./parts.js";
import { Refusal, refusals } from "./refusal.js";
import type { Answer, CredRequest } from "./request.js";
import { eventJson, uri } from "./words.js";

/** Devices whose names are looked up at once. */
const NAMES = 64;
/** The key's budget was asked before. */
const ASKED = new Budget(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);

/** Which events of a namespace. */
export interface Choice {
  readonly device?: string;
  readonly anyOf?: readonly projections.EventMatch[];
}

/** Events: posting and reading them (B5, B7). */
export class Events {
  constructor(private readonly parts: CredParts) {}

  async create(request: CredRequest): Promise<Answer> {
    const client = await this.parts.access.client(request, "write");
    const { location: place, name = "", action, value } = readEvent(request.fields);
    const { namespace, device } = client;
    const outcome = await this.parts.publishing.publish(
      { namespace, kind: "device", id: device, budget: ASKED },
      { ...NOTHING_SAID, name, action, value, place },
    );
    switch (outcome.kind) {
      case "stored": {
        const id = outcome.position;
        this.parts.activity.wrote(client);
        const json = { event: { id, uri: uri(request.base, "events", id) } };
        return { json, headers: ["fieldlog-position", String(positionOf(sequenceOf(id), 0))] };
      }
      case "too-large":
        throw new Refusal(413, "Request Entity Too Large");
      case "disabled":
        throw refusals.disabled();
      case "unknown-device":
        throw refusals.notAuthenticated();
      case "exhausted":
        throw refusals.tooMany(outcome.retryAfterS);
      case "unavailable":
        throw refusals.unavailable(outcome.retryAfterS);
    }
  }

  async list(request: CredRequest): Promise<Answer> {
    return this.chosen(request, await this.reader(request), {});
  }

  async show(request: CredRequest): Promise<Answer> {
    const client = await this.reader(request);
    const event = (await this.find(client, request.id, false)) ?? (await this.find(client, request.id, true));
    if (event === undefined) throw refusals.noEvent();
    const names = await this.namesOf(client.namespace, [event]);
    return { json: { event: eventJson(request.base, event, names.get(event.device) ?? null) } };
  }

  /** Those of the choice that the request's query wants. */
  chosen(request: CredRequest, { namespace }: Client, choice: Choice): Answer {
    const window = readWindow(request.query);
    const pages = pagesOf(window, (page) => this.read(namespace, page, choice), positionIn);
    const texts = window.full
      ? this.fullTexts(request.base, namespace, pages)
      : shortTexts(request.base, pages);
    return { list: ["events", texts] };
  }

  async reader(request: CredRequest): Promise<Client> {
    const client = await this.parts.access.client(request, "read");
    void this.parts.activity.heard(client);
    return client;
  }

  private async read(namespace: string, page: Page, choice: Choice): Promise<projections.StoredEvent[]> {
    const { events } = await this.parts.projections.listEvents({
      ...{ namespace, newest: true, limit: page.limit, offset: page.offset },
      ...(page.after === undefined ? {} : { after: BigInt(page.after) }),
      ...(page.before === undefined ? {} : { before: BigInt(page.before) }),
      ...(choice.device === undefined ? {} : { device: choice.device }),
      // Whoever names what the platform itself says gets it; cred's own lists had nothing like it.
      ...(choice.anyOf === undefined ? { reported: true } : { anyOf: [...choice.anyOf] }),
      atLeast: BigInt(this.parts.ownWrites.of(namespace, SIGNALS)),
    });
    return events.reverse();
  }

  /** @param wait for the read model, if the log has it: another edge may have taken it a moment ago */
  private async find({ namespace }: Client, id: number, wait: boolean) {
    if (id < 1) return undefined;
    const sequence = sequenceOf(id);
    const own = this.parts.ownWrites.of(namespace, SIGNALS);
    if (wait && (sequence <= own || !(await this.isThere(namespace, sequence)))) return undefined;
    const { events } = await this.parts.projections.listEvents({
      ...{ namespace, after: BigInt(id - 1), before: BigInt(id + 1), limit: 1 },
      atLeast: BigInt(wait ? sequence : own),
    });
    return events[0];
  }

  /** Whether the log has reached the sequence: a server that is parted from the others tells an old end. */
  private async isThere(namespace: string, sequence: number): Promise<boolean> {
    const { log } = this.parts;
    const stream = signalsStream(namespace);
    return sequence <= (await log.lastSequence(stream)) || sequence <= (await log.settledEnd(stream));
  }

  private async *fullTexts(
    base: string,
    namespace: string,
    pages: AsyncGenerator<readonly projections.StoredEvent[], void>,
  ) {
    for await (const page of pages) {
      const names = await this.namesOf(namespace, page);
      yield page.map((event) => JSON.stringify(eventJson(base, event, names.get(event.device) ?? null)));
    }
  }

  /** Names of the devices by id. Of one that is no more, and of an API key, it is the id. */
  private async namesOf(namespace: string, events: readonly projections.StoredEvent[]) {
    const names = new Map<string, string | null>();
    const ids = [...new Set(events.map(({ device }) => device))];
    for (let at = 0; at < ids.length; at += NAMES) {
      await Promise.all(
        ids.slice(at, at + NAMES).map(async (id) => {
          const card = id.startsWith("key:") ? undefined : await this.parts.clients.card(namespace, id);
          names.set(id, card === undefined ? id : card.name);
        }),
      );
    }
    return names;
  }
}

function positionIn({ position }: projections.StoredEvent): number {
  return Number(position);
}

async function* shortTexts(base: string, pages: AsyncGenerator<readonly projections.StoredEvent[], void>) {
  for await (const page of pages) {
    yield page.map((event) => {
      const id = positionIn(event);
      return JSON.stringify({ id, uri: uri(base, "events", id) });
    });
  }
}
