import { type projections, REGISTRY, SIGNALS } from "@fieldlog/contracts";
import type { Client } from "./access.js";
import type { Events } from "./events.js";
import { readWindow } from "./input.js";
import { cardOf } from "./known-clients.js";
import { type Page, pagesOf, textsOf } from "./pages.js";
import { type CredParts, DIALECT } from "./parts.js";
import { refusals } from "./refusal.js";
import type { Answer, CredRequest } from "./request.js";
import { clientJson, uri } from "./words.js";

/** Clients, and their events. Whoever may read may read everybody's (B6). */
export class Clients {
  constructor(
    private readonly parts: CredParts,
    private readonly events: Events,
  ) {}

  /** B8: those who were heard within the ping time-out, who asks among them. */
  async list(request: CredRequest): Promise<Answer> {
    const { access, activity, now, settings } = this.parts;
    const client = await access.client(request, "read");
    const window = readWindow(request.query);
    await activity.heard(client);
    const seenSince = BigInt(now() - settings.credPingTimeoutS * 1_000);
    const pages = pagesOf(window, (page) => this.read(client.namespace, page, seenSince), numberOf);
    const { base } = request;
    const texts = textsOf(pages, (device) => {
      const id = numberOf(device);
      const short = { id, uri: uri(base, "clients", id) };
      return JSON.stringify(window.full ? clientJson(base, cardOf(device)) : short);
    });
    return { list: ["clients", texts] };
  }

  async showOwn(request: CredRequest): Promise<Answer> {
    const { namespace, device } = await this.events.reader(request);
    const card = await this.parts.clients.card(namespace, device);
    if (card === undefined) throw refusals.noClient();
    return { json: { client: clientJson(request.base, card) } };
  }

  async show(request: CredRequest): Promise<Answer> {
    const client = await this.events.reader(request);
    return { json: { client: clientJson(request.base, cardOf(await this.find(client, request.id))) } };
  }

  async listEvents(request: CredRequest): Promise<Answer> {
    const client = await this.events.reader(request);
    readWindow(request.query);
    const { id: device } = await this.find(client, request.id);
    return this.events.chosen(request, client, { device });
  }

  /** B6: of all times, its own too. */
  async listSubscribed(request: CredRequest): Promise<Answer> {
    const client = await this.events.reader(request);
    readWindow(request.query);
    const { id } = await this.find(client, request.id);
    const anyOf = await this.parts.clients.matches(client.namespace, id);
    return anyOf.length === 0 ? { json: { events: [] } } : this.events.chosen(request, client, { anyOf });
  }

  private async read(namespace: string, page: Page, seenSince: bigint): Promise<projections.StoredDevice[]> {
    const { ownWrites } = this.parts;
    const { devices } = await this.parts.projections.listDevices({
      ...{ namespace, dialect: DIALECT, newest: true, limit: page.limit, offset: page.offset, seenSince },
      ...(page.after === undefined ? {} : { numberAfter: BigInt(page.after) }),
      ...(page.before === undefined ? {} : { numberBefore: BigInt(page.before) }),
      atLeast: BigInt(ownWrites.of(namespace, REGISTRY)),
      seenAtLeast: BigInt(ownWrites.of(namespace, SIGNALS)),
    });
    return devices;
  }

  /** Raises Refusal 404. */
  private async find({ namespace }: Client, number: number): Promise<projections.StoredDevice> {
    const own = this.parts.ownWrites.of(namespace, REGISTRY);
    const found = await this.byNumber(namespace, number, own);
    if (found !== undefined) return found;
    // Another edge may have registered it a moment ago; its number says since when the read model has it.
    const registered = number > own && number <= (await this.parts.log.lastSequence(REGISTRY));
    const later = registered ? await this.byNumber(namespace, number, number) : undefined;
    if (later === undefined) throw refusals.noClient();
    return later;
  }

  private async byNumber(namespace: string, number: number, atLeast: number) {
    const { devices } = await this.parts.projections.listDevices({
      ...{ namespace, dialect: DIALECT, newest: true, limit: 1 },
      ...{ number: BigInt(number), atLeast: BigInt(atLeast) },
    });
    return devices[0];
  }
}

function numberOf({ number }: projections.StoredDevice): number {
  return Number(number);
}
