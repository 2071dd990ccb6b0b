import { deviceKey, type Edge, LoadCache } from "@fieldlog/admission";
import { type AggregateId, limits, type projections, type subscriptions } from "@fieldlog/contracts";
import { RpcError } from "@fieldlog/rpc";

/** A client as others see it. */
export interface ClientCard {
  readonly number: number;
  readonly name: string | null;
  readonly location: string | null;
}

/** Milliseconds that something is believed, should a change of it never be heard. */
const TTL_MS = 60_000;

type Asked = Pick<Edge, "projections" | "devices" | "subscriptions">;

/** What is asked again and again of clients, and hardly ever changes. */
export class KnownClients {
  /** Both by deviceKey. */
  private readonly cards: LoadCache<ClientCard>;
  private readonly subscribed: LoadCache<readonly projections.EventMatch[]>;

  constructor(asked: Asked) {
    this.cards = new LoadCache({
      max: limits.cachedKeys,
      ttlMs: TTL_MS,
      load: (key) => loadCard(asked, key),
    });
    this.subscribed = new LoadCache({
      ...{ max: limits.cachedKeys, ttlMs: TTL_MS },
      load: (key) => loadMatches(asked, key),
    });
  }

  /** Undefined: there is none. */
  card(namespace: string, device: string): Promise<ClientCard | undefined> {
    return Promise.resolve(this.cards.get(deviceKey(namespace, device)));
  }

  /** What it subscribed to; empty: to nothing. */
  async matches(namespace: string, device: string): Promise<readonly projections.EventMatch[]> {
    return (await this.subscribed.get(deviceKey(namespace, device))) ?? [];
  }

  /** A decision was taken: what it changes is forgotten. What a client subscribed to stays as it logged in. */
  decided({ kind, namespace, id }: AggregateId): void {
    if (kind === "clearing") this.cards.clear();
    if (kind === "device") this.cards.invalidate(deviceKey(namespace, id));
  }
}

function partsOf(key: string): { namespace: string; device: string } {
  const slash = key.indexOf("/");
  return { namespace: key.slice(0, slash), device: key.slice(slash + 1) };
}

/** Of one that the read model does not have yet, it is asked again when it must. */
async function loadCard({ projections, devices }: Asked, key: string): Promise<ClientCard | undefined> {
  const of = partsOf(key);
  const found =
    (await absentIfNotFound(projections.getDevice(of))) ??
    (await absentIfNotFound(
      devices
        .getDevice(of)
        .then(({ device }) => projections.getDevice({ ...of, atLeast: device?.sequence ?? 0n })),
    ));
  return found?.device && cardOf(found.device);
}

async function absentIfNotFound<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof RpcError && error.code === "not_found") return undefined;
    throw error;
  }
}

export function cardOf({ number, metadataJson }: projections.StoredDevice): ClientCard {
  const metadata: Record<string, unknown> = JSON.parse(metadataJson);
  const text = (value: unknown) => (typeof value === "string" ? value : null);
  return {
    number: Number(number),
    name: text(metadata["name"]),
    location: text(metadata["locationDescription"]),
  };
}

async function loadMatches(asked: Asked, key: string): Promise<projections.EventMatch[]> {
  const { namespace, device } = partsOf(key);
  const all: subscriptions.Subscription[] = [];
  let after = "";
  do {
    const page = await asked.subscriptions.listSubscriptions({
      ...{ namespace, owner: `device:${device}`, after, limit: limits.pageRows },
    });
    all.push(...page.subscriptions);
    after = page.next;
  } while (after !== "");
  return all.flatMap(({ filters }) =>
    filters.flatMap(({ names, places: [place] }) =>
      names.map((type) => ({ type, ...(place === undefined ? {} : { place }) }) as projections.EventMatch),
    ),
  );
}
