import { Budget, type Known, type OwnWrites } from "@fieldlog/admission";
import { limits, type projections, REGISTRY, type registry, SIGNALS, saf } from "@fieldlog/contracts";
import type { RpcClient } from "@fieldlog/rpc";
import { type Answer, answered, refused } from "./answer.js";
import type { CsnRequest } from "./door.js";
import { openNamespace } from "./open-namespace.js";
import { readLegacyQuery, readNameQuery, readRecentQuery, readUuidQuery } from "./queries.js";
import { recentEvents } from "./recent-events.js";
import { Refusal, refusals } from "./refusal.js";
import { DIALECT, fromSensor, PICK } from "./words.js";

export interface LookupParts {
  readonly known: Pick<Known, "namespaces">;
  readonly projections: Pick<RpcClient<typeof projections.ProjectionsService>, "listDevices" | "listEvents">;
  readonly ownWrites: OwnWrites;
}

interface StoredSensor {
  readonly id: string;
  readonly sensorType: string;
  readonly removed: boolean;
  readonly details: registry.SensorDetails;
}

type Criterion = { name: string } | { uuid: string } | { legacyIdentifier: string };

/** The queries that nobody signs, from the read models, never older than this edge's own writes. Throws what `refusalOf` knows. */
export class Lookups {
  private readonly budget = new Budget(limits.openQueriesPerSecond, limits.openQueryBurst);

  constructor(private readonly parts: LookupParts) {}

  /** Whether no device of the namespace has the name. */
  nameAvailable(request: CsnRequest): Promise<Answer> {
    return this.asked(request, readNameQuery, async ({ name }, namespace) => {
      const [found] = await this.devices(namespace, { name });
      return answered(saf.NameAvailableResponseSchema, { name, available: found === undefined });
    });
  }

  /** Never with its secret: to know a UUID proves nothing. */
  existingUuid(request: CsnRequest): Promise<Answer> {
    return this.asked(request, readUuidQuery, async ({ uuid }, namespace) => {
      const [found] = await this.devices(namespace, { uuid }, DIALECT);
      if (found === undefined) return answered(saf.ExistingUuidResponseSchema, { registrationFound: false });
      return answered(saf.ExistingUuidResponseSchema, {
        registrationFound: true,
        clientId: BigInt(found.id),
        sensors: sensorsOf(found),
      });
    });
  }

  clientFromLegacyId(request: CsnRequest): Promise<Answer> {
    return this.asked(request, readLegacyQuery, async ({ identifier }, namespace) => {
      const [found] = await this.devices(namespace, { legacyIdentifier: identifier }, DIALECT);
      if (found === undefined) return refused(refusals.unknownClient(identifier));
      return answered(saf.ClientFromLegacyIdResponseSchema, { clientId: BigInt(found.id) });
    });
  }

  recentEvents(request: CsnRequest): Promise<Answer> {
    return this.asked(request, readRecentQuery, async (query, namespace) => {
      const { limit, newest, after, sensorType = "", bounds } = query;
      const { events } = await this.parts.projections.listEvents({
        ...{ namespace, type: PICK, limit, newest, sensorType },
        ...(after === undefined ? {} : { after }),
        atLeast: BigInt(this.parts.ownWrites.of(namespace, SIGNALS)),
      });
      return answered(saf.RecentEventResponseSchema, recentEvents(events, after, bounds));
    });
  }

  private async asked<Query>(
    request: CsnRequest,
    read: (bytes: Uint8Array) => Query | Refusal,
    answer: (query: Query, namespace: string) => Promise<Answer>,
  ): Promise<Answer> {
    const query = read(request.body);
    if (query instanceof Refusal) return refused(query);
    if (!this.budget.take(request.receivedAt)) return refused(refusals.tooManyQueries);
    const namespace = await openNamespace(this.parts.known, request);
    return namespace instanceof Refusal ? refused(namespace) : answer(query, namespace.id);
  }

  /** The one that was registered last, if several fit. */
  private async devices(namespace: string, criterion: Criterion, dialect = "") {
    const { devices } = await this.parts.projections.listDevices({
      ...{ namespace, dialect, limit: 1, newest: true, ...criterion },
      atLeast: BigInt(this.parts.ownWrites.of(namespace, REGISTRY)),
    });
    return devices;
  }
}

function sensorsOf({ sensorsJson }: projections.StoredDevice) {
  const sensors = JSON.parse(sensorsJson) as StoredSensor[];
  return sensors
    .filter(({ removed }) => !removed)
    .map(({ id, sensorType, details }) => fromSensor(id, sensorType, details));
}
