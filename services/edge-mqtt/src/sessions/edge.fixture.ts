import { encodeSignal } from "@fieldlog/admission";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import type { Retained, RetainedPage } from "./retained.js";
import { Sessions } from "./sessions.js";
import type {
  Delivery,
  EndReason,
  OpenSession,
  QoS,
  Session,
  SessionSink,
  SubscribeRequest,
  Will,
  WillOwner,
} from "./types.js";

/** A replica of the edge, without its sockets. */
export interface TestEdge {
  readonly log: EventLog;
  readonly sessions: Sessions;
  readonly wills: { owner: WillOwner; will: Will }[];
  /** As if it was killed: nothing more comes from it. */
  abandon(): Promise<void>;
  stop(): Promise<void>;
}

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const NONE: RetainedPage = { messages: [], next: "" };

async function startEdge(url: string, retained: Retained = async () => NONE): Promise<TestEdge> {
  const log = await connectLog({ url, name: "edge" });
  const wills: TestEdge["wills"] = [];
  const publishWill = async (owner: WillOwner, will: Will) => {
    wills.push({ owner, will });
    return true;
  };
  const sessions = await Sessions.create({ log, replicas: 1, retained, publishWill, logger: silent });
  await sessions.start();
  let ended = false;
  const end = (how: () => Promise<void>) => async () => {
    if (ended) return;
    ended = true;
    await how();
  };
  return {
    ...{ log, sessions, wills },
    abandon: end(() => log.connection.close()),
    stop: end(async () => {
      await sessions.stop();
      await log.close();
    }),
  };
}

/** What the tests of a file have: servers, edges that are stopped after each test, a namespace for each. */
export interface Scene {
  readonly servers: () => TestServers;
  readonly namespace: () => string;
  readonly edge: (retained?: Retained) => Promise<TestEdge>;
}

export function scene(): Scene {
  let servers: TestServers;
  let counter = 0;
  const edges: TestEdge[] = [];
  beforeAll(async () => {
    servers = await startServers();
  });
  afterAll(() => servers.stop());
  beforeEach(() => {
    counter++;
  });
  afterEach(async () => {
    for (const edge of edges.splice(0)) await edge.stop();
  });
  return {
    servers: () => servers,
    namespace: () => `ns${counter}`,
    edge: async (retained) => {
      const started = await startEdge(servers.nats.url, retained);
      edges.push(started);
      return started;
    },
  };
}

/** The texts from one number on. */
export function numbers(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => `${from + i}`);
}

export interface PublishOptions {
  readonly qos?: QoS;
  readonly retain?: boolean;
  readonly clientId?: string;
  readonly identity?: string;
  readonly expiresAt?: number;
}

/** Appends a message to the namespace's log; its position. */
export function append(
  log: EventLog,
  namespace: string,
  topic: string,
  payload: string,
  options: PublishOptions = {},
): Promise<number> {
  const { qos = 1, retain = false, clientId = "publisher", identity = "", expiresAt } = options;
  const now = Date.now();
  const properties = {
    ...{ utf8: false, contentType: "", responseTopic: "", correlationData: undefined, userProperties: [] },
    expiresAt,
  };
  const bytes = encodeSignal({
    ...{ device: "d", identity, digest: undefined, receivedAt: now, occurredAt: now, sentAt: undefined },
    ...{ location: undefined, traceParent: "" },
    publication: { topic, qos, retain, clientId, redelivered: false, wrapped: false, properties },
    body: { case: "message", value: Buffer.from(payload) },
  });
  return log.signals.append(namespace, bytes);
}

/** A client, as its connection hears it. */
export class TestClient implements SessionSink {
  readonly got: Delivery[] = [];
  readonly released: number[] = [];
  ended: EndReason | undefined;
  /** Acknowledges what it gets at once, as a client does. */
  acknowledges = true;
  /** Deliveries that the socket takes before it is full. */
  room = Number.POSITIVE_INFINITY;
  session!: Session;
  present = false;

  get payloads(): string[] {
    return this.got.map(({ message }) => Buffer.from(message.payload).toString());
  }

  async connect(sessions: Sessions, namespace: string, options: Partial<OpenSession> = {}): Promise<this> {
    const { session, present } = await sessions.open({
      ...{
        namespace,
        namespaceName: "name",
        clientId: "client",
        principal: "device:d",
        cleanStart: false,
        expiryS: 3600,
      },
      ...{ receiveMaximum: 65_535, sink: this },
      ...options,
    });
    this.session = session;
    this.present = present;
    session.start();
    return this;
  }

  async subscribe(filter: string, options: Partial<SubscribeRequest> = {}): Promise<void> {
    const defaults = { qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
    await this.session.subscribe([{ filter, ...defaults, ...options }]);
    this.session.deliverRetained();
  }

  /** Waits until it has got so many. */
  async gets(count: number, timeoutMs?: number): Promise<string[]> {
    await until(`${count} messages`, () => this.got.length >= count, timeoutMs);
    return this.payloads;
  }

  publish(delivery: Delivery): boolean {
    this.got.push(delivery);
    const { qos, packetId = 0 } = delivery;
    if (this.acknowledges && qos > 0) {
      queueMicrotask(() => {
        if (qos === 1) this.session.acked(packetId);
        else this.session.received(packetId, false);
      });
    }
    return --this.room > 0;
  }

  pubrel(packetId: number): void {
    this.released.push(packetId);
    if (this.acknowledges) queueMicrotask(() => this.session.completed(packetId));
  }

  end(reason: EndReason): void {
    this.ended = reason;
  }
}
