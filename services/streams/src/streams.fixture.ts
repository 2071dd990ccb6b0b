import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { SIGNALS, STREAM_KEYS, signals, signalsSubject, streams } from "@fieldlog/contracts";
import { DataKeys } from "@fieldlog/data-keys";
import { connectLog, decodeBatch, type EventLog } from "@fieldlog/event-log";
import { encrypted, openObjects, putWhole, streamUploadFolder } from "@fieldlog/objects";
import { openReadDatabase, type ReadDatabase, schemaOfShard } from "@fieldlog/read-model";
import { type RpcClient, rpcClient } from "@fieldlog/rpc";
import { createRuntime, hostModule, readSettings } from "@fieldlog/runtime";
import { SealingKey } from "@fieldlog/sealing";
import { freePort } from "@fieldlog/servers";
import { CALL_MS, type TestServers, until } from "@fieldlog/testkit";
import { Rows } from "./rows.js";
import { SCHEMA, type StreamTables } from "./sorting/tables.js";
import { type ClearedNamespace, clearStored } from "./storage/clearing.js";
import { StreamsModule } from "./streams.module.js";

const TOKEN = "an-internal-token-of-enough-length";
const INSTALLATION_KEY = Buffer.alloc(32, 7);
export const NS = "n1";

type Message = MessageInitShape<typeof signals.StreamMessageSchema>;
type Stored = streams.StoredObject | undefined;

/** The service on a log and a database of its own, and what devices say to it. */
export class Streams {
  private constructor(
    readonly log: EventLog,
    readonly client: RpcClient<typeof streams.StreamsService>,
    readonly databaseUrl: string,
    readonly keys: DataKeys,
    private readonly hosted: { close(): Promise<void> },
  ) {}

  static async start(servers: TestServers, { shards = 1 } = {}): Promise<Streams> {
    const streamsGrpc = `127.0.0.1:${await freePort()}`;
    const databaseUrl = await servers.databaseUrl("streams");
    const own = { natsUrl: servers.nats.url, postgresUrl: databaseUrl, shards };
    const secrets = { internalToken: TOKEN, installationKey: INSTALLATION_KEY.toString("base64") };
    const runtime = createRuntime(
      "streams",
      readSettings({}, { ...own, ...secrets, streamsGrpc, logLevel: "silent" }),
    );
    const hosted = await hostModule(runtime, StreamsModule.with(runtime));
    const client = rpcClient(streams.StreamsService, {
      address: streamsGrpc,
      token: TOKEN,
      deadlineMs: CALL_MS,
    });
    const log = await connectLog({ url: servers.nats.url, name: "test", shards });
    await until("ready", async () => (await runtime.health.report()).ready);
    const sealing = new SealingKey(INSTALLATION_KEY);
    const keys = await DataKeys.open(log.connection, { bucket: STREAM_KEYS, replicas: 1, sealing });
    return new Streams(log, client, databaseUrl, keys, hosted);
  }

  async close(): Promise<void> {
    this.client.close();
    await this.log.close();
    await this.hosted.close();
  }

  get objects() {
    return openObjects(this.log.connection, readSettings({}, {}));
  }

  database(shard = 0) {
    return openReadDatabase<StreamTables>({ url: this.databaseUrl, schema: schemaOfShard(SCHEMA, shard) });
  }

  /** What a device says, as a door writes it. Returns its position. */
  async say(
    message: Message,
    { device = "d1", identity = "", payload = "", namespace = NS } = {},
  ): Promise<number> {
    const signal = create(signals.SignalSchema, {
      ...{ device, identity, receivedAt: BigInt(Date.now()), occurredAt: BigInt(Date.now()) },
      body: { case: "streamMessage", value: { payload: Buffer.from(payload), ...message } },
    });
    return this.log.signals.append(namespace, toBinary(signals.SignalSchema, signal));
  }

  setStream(stream: string, set: object = {}, more: object = {}) {
    return this.client.setStream({
      ...{ namespace: NS, group: "plant", stream, set, decidedBy: "key:1", ...more },
    });
  }

  async messages(which: { group?: string; stream?: string; batch?: string; device?: string }) {
    const atLeast = BigInt(await this.sequence());
    return (await this.client.listMessages({ namespace: NS, limit: 1_000, atLeast, ...which })).messages;
  }

  async batches(stream: string) {
    const asked = { namespace: NS, limit: 1_000, stream, atLeast: BigInt(await this.sequence()) };
    return (await this.client.listBatches(asked)).batches.toReversed();
  }

  /** What was stored of a message, once it is. */
  async stored(position: bigint, namespace = NS): Promise<string> {
    const found = await until("it is stored", () =>
      this.client.getMessage({ namespace, position }).catch((error: { code?: string }) => {
        if (error.code !== "failed_precondition") throw error;
        return undefined;
      }),
    );
    return this.content(found.object);
  }

  async content(object: Stored): Promise<string> {
    const chunks: Uint8Array[] = [];
    const store = encrypted(this.objects, object?.key ?? new Uint8Array());
    for (const name of object?.objects ?? []) {
      for await (const chunk of store.get(name)) chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString();
  }

  /** What a door stores for a device that uploads. */
  async upload(device: string, upload: string, text: string): Promise<void> {
    const store = encrypted(this.objects, await this.keys.get(NS, device));
    async function* content() {
      yield Buffer.from(text);
    }
    await putWhole(store, streamUploadFolder(NS, device, upload), content(), 1_000_000);
  }

  /** Clears the namespace, but for the definitions of its streams. */
  async clear(): Promise<ClearedNamespace> {
    const { clearings } = this.log;
    const registryBefore = await clearings.record({ namespace: NS }, "test");
    const signalsBefore = await clearings.mark({ namespace: NS });
    const decidedAt = Date.now();
    await clearings.record({ namespace: NS, signalsBefore, registryBefore }, "test", () => decidedAt);
    await clearings.purge(SIGNALS, signalsSubject(NS), signalsBefore);
    return { namespace: NS, signalsBefore, decidedAt };
  }

  /** Does once more what follows from it. */
  async clearAgain(cleared: ClearedNamespace): Promise<void> {
    const database = this.database();
    const { log, keys, objects } = this;
    const sorted = async (sequence: number) => {
      await this.client.listMessages({ namespace: NS, limit: 1, atLeast: BigInt(sequence) });
      return true;
    };
    await clearStored({ log, keys, objects, rows: new Rows(database), sorted }, cleared);
    await database.close();
  }

  /** Which table Postgres has for the messages. */
  async tableOf({ pool }: Pick<ReadDatabase<StreamTables>, "pool">): Promise<number> {
    const { rows } = await pool.query(`SELECT '${SCHEMA}.stream_messages'::regclass::oid AS oid`);
    return rows[0].oid;
  }

  /** What is complete and was not told of. */
  async waiting({ db }: Pick<ReadDatabase<StreamTables>, "db">) {
    const messages = db.selectFrom("stream_messages").select("id").where("complete", "=", true);
    const batches = db.selectFrom("stream_batches").select("id").where("completed_at", "is not", null);
    return {
      messages: (await messages.where("object", "is", null).execute()).length,
      batches: (await batches.where("told", "=", false).execute()).length,
    };
  }

  /** The packs to which rows point. */
  async packsInUse({ db }: Pick<ReadDatabase<StreamTables>, "db">): Promise<Set<string>> {
    const rows = await db
      .selectFrom("stream_messages")
      .select("object")
      .where("object", "like", "%#%")
      .execute();
    return new Set(rows.map(({ object }) => String(object).replace(/#.*$/, "")));
  }

  /** What is read of each message that is stored, by its position. */
  async contents({ db }: Pick<ReadDatabase<StreamTables>, "db">): Promise<Map<number, string>> {
    const rows = await db
      .selectFrom("stream_messages")
      .select(["position", "device", "object"])
      .where("object", "<>", "")
      .orderBy("position")
      .execute();
    const found = new Map<number, string>();
    for (const { position, device, object } of rows) {
      const key = await this.keys.get(NS, device);
      const stored = { objects: [object ?? ""], key } as unknown as Stored;
      found.set(Number(position), await this.content(stored));
    }
    return found;
  }

  /** The names of all objects that begin so. */
  async names(prefix: string): Promise<string[]> {
    const found: string[] = [];
    for await (const name of this.objects.list(`${NS}/${prefix}`)) found.push(name);
    return found.sort();
  }

  /** All events of that name that were told, by what they are about; each identity once. */
  async told(name: string) {
    const found = new Map<string, { device: string; data: Record<string, unknown> }>();
    const until = await this.sequence();
    for await (const commits of this.log.read(SIGNALS, { after: 0, until })) {
      for (const { device, identity, body } of commits.flatMap(({ data }) => decodeBatch(data))) {
        if (body.case !== "event" || body.value.name !== name) continue;
        const data = JSON.parse(Buffer.from(body.value.data).toString());
        found.set(`${device} ${identity}`, { device, data });
      }
    }
    return [...found.values()];
  }

  private sequence(): Promise<number> {
    return this.log.lastSequence(SIGNALS);
  }
}
