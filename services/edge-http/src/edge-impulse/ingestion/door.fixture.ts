import { create } from "@bufbuild/protobuf";
import { Budget, type KnownHmacKey, type KnownKey, keyHash, OwnWrites } from "@fieldlog/admission";
import { registry, sampling } from "@fieldlog/contracts";
import type { Objects } from "@fieldlog/objects";
import { RpcError } from "@fieldlog/rpc";
import { createMetrics } from "@fieldlog/runtime";
import { SampleStore, storedContent } from "@fieldlog/samples";
import { RequestCounts } from "../../http/request-counts.js";
import { createFastify } from "../../http/server.js";
import { Projects } from "../studio/projects.js";
import { Ingestion } from "./ingestion.js";
import { Room } from "./room.js";
import { ingestionRoutes } from "./routes.js";

export const KEY = "ei_0123";
export const READER = "ei_reader";
export const OPERATOR = "fl_operator";
export const HMAC = "0f".repeat(16);
export const DEVICE = "15:FE:90:11:1D:18";
const NAMESPACE = { id: "n1", name: "boards" };

/** The paths alone, on a port of their own; behind them a sampling service and objects in memory. */
export class Door {
  /** What was decided, in order. */
  readonly stored: sampling.StoreSampleRequest[] = [];
  readonly objects = new Map<string, Buffer>();
  readonly errors: unknown[] = [];
  readonly room: Room;
  url = "";
  /** The next so many decisions fail as if the service were away. */
  away = 0;
  private readonly app = createFastify();

  constructor({ roomBytes = 1_000_000 } = {}) {
    this.room = new Room(roomBytes);
  }

  async start(): Promise<this> {
    const known = this.known();
    const ownWrites = new OwnWrites();
    const store = new SampleStore({ sampling: this.sampling(), objects: this.store(), partBytes: 100_000 });
    const auth = { listNamespaces: async () => ({ namespaces: [] }) as never };
    await this.app.register(ingestionRoutes, {
      ingestion: new Ingestion({ known, store, ownWrites, now: Date.now }),
      projects: new Projects({ known, auth, now: Date.now }),
      ...{ room: this.room, now: Date.now, underWay: { count: 0 }, stopping: () => false },
      counts: new RequestCounts(createMetrics()),
      logger: { error: (about: unknown) => this.errors.push(about) },
    } as never);
    this.url = await this.app.listen({ host: "127.0.0.1", port: 0 });
    return this;
  }

  async stop(): Promise<void> {
    await this.app.close();
  }

  /** What the newest sample holds. */
  async content(): Promise<Buffer> {
    const { stored } = this.stored.at(-1)?.sample ?? {};
    if (stored === undefined) throw new Error("nothing is stored");
    return whole(storedContent(this.store(), stored, SECRET));
  }

  private known() {
    const key = (permission: string, namespace: string): KnownKey => ({
      ...{ id: "k1", permission, namespace, expiresAt: undefined, budget: new Budget(1e6, 1e6) },
    });
    const keys = new Map([
      [keyHash(KEY), key("write", NAMESPACE.id)],
      [keyHash(READER), key("read", NAMESPACE.id)],
      [keyHash(OPERATOR), key("admin", "")],
    ]);
    const hmac: KnownHmacKey[] = [
      { key: "expired", expiresAt: 1 },
      { key: HMAC, expiresAt: undefined },
    ];
    const device = { namespace: NAMESPACE.id, id: DEVICE, dialect: "edge-impulse", registeredAt: 0 };
    return {
      keys: { get: async (hash: string) => keys.get(hash) },
      namespaces: { get: async () => NAMESPACE },
      hmacKeys: { get: async () => hmac },
      registered: { get: async (name: string) => (name.endsWith(`/${DEVICE}`) ? device : undefined) },
    } as never;
  }

  private sampling() {
    return {
      getSampleKey: async () => create(sampling.GetSampleKeyResponseSchema, { key: SECRET }),
      storeModel: async () => Promise.reject(new Error("no models here")),
      storeSample: async (asked: object) => {
        if (this.away > 0) {
          this.away--;
          throw new RpcError("unavailable", "away");
        }
        const request = create(sampling.StoreSampleRequestSchema, asked as never);
        const sha256 = (one: sampling.StoreSampleRequest) =>
          Buffer.from(one.sample?.stored?.sha256 ?? []).toString("hex");
        if (request.unique && this.stored.some((one) => sha256(one) === sha256(request))) {
          throw new RpcError("already_exists", "there is one");
        }
        this.stored.push(request);
        const number = BigInt(this.stored.length);
        const sample = {
          id: request.id,
          number,
          stored: request.sample ?? create(registry.SampleStoredSchema),
        };
        return create(sampling.StoreSampleResponseSchema, { sample, sequence: number });
      },
    };
  }

  private store(): Objects {
    const { objects } = this;
    return {
      kind: "nats",
      links: undefined,
      async put(name: string, content: AsyncIterable<Uint8Array>) {
        const bytes = await whole(content);
        objects.set(name, bytes);
        return { bytes: bytes.length, sha256: new Uint8Array() };
      },
      async *get(name: string, { from, to } = { from: 0, to: Number.POSITIVE_INFINITY }) {
        yield objects.get(name)?.subarray(from, to) ?? Buffer.alloc(0);
      },
      delete: async (name: string) => void objects.delete(name),
    } as unknown as Objects;
  }
}

const SECRET = new Uint8Array(32).fill(7);

async function whole(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}
