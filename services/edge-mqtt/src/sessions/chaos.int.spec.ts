import { setTimeout as sleep } from "node:timers/promises";
import { until } from "@fieldlog/testkit";
import { describe, expect, it } from "vitest";
import { append, scene, type TestEdge } from "./edge.fixture.js";
import type { Delivery, OpenSession, QoS, Session, SessionSink } from "./types.js";

const { edge, namespace, servers } = scene();

/** A device as the specification has it: it loses connections, is slow, and keeps its side of QoS 2. */
class Device {
  /** Texts in the order in which they were handed to the application, by QoS. */
  readonly once: string[] = [];
  readonly again: string[] = [];
  readonly violations: string[] = [];
  session: Session | undefined;
  slow = false;
  private readonly unreleased = new Set<number>();
  private taken = 0;

  constructor(readonly clientId: string) {}

  async connect({ sessions }: TestEdge, subscribe: boolean): Promise<void> {
    let session: Session | undefined;
    // What an edge still says on a connection that the device has lost reaches nobody.
    const ifOpen = (then: (session: Session) => void) =>
      setImmediate(() => session !== undefined && session === this.session && then(session));
    const isOpen = () => session === this.session;
    const sink: SessionSink = {
      publish: (delivery) => !isOpen() || this.take(delivery, ifOpen),
      pubrel: (packetId) => {
        if (!isOpen()) return;
        this.unreleased.delete(packetId);
        ifOpen((open) => open.completed(packetId));
      },
      end: () => {
        if (isOpen()) this.session = undefined;
      },
    };
    const options: OpenSession = {
      ...{ namespace: namespace(), namespaceName: "name", clientId: this.clientId },
      ...{ principal: "device:d", cleanStart: false, expiryS: 3600, receiveMaximum: 20, sink },
    };
    const opened = await sessions.open(options);
    expect(opened.present).toBe(!subscribe);
    session = opened.session;
    this.session = session;
    session.start();
    if (!subscribe) return;
    const request = { noLocal: false, retainAsPublished: false, retainHandling: 2 } as const;
    await session.subscribe([{ ...request, filter: "t/+", qos: 2 }]);
  }

  private take(
    { message, qos, packetId = 0, dup }: Delivery,
    ifOpen: (then: (session: Session) => void) => void,
  ): boolean {
    const text = Buffer.from(message.payload).toString();
    if (qos === 2) {
      if (!this.unreleased.has(packetId)) this.once.push(text);
      else if (!dup) this.violations.push(`${text} under packet id ${packetId}, which is in use`);
      this.unreleased.add(packetId);
      ifOpen((open) => open.received(packetId, false));
    } else {
      this.again.push(text);
      ifOpen((open) => open.acked(packetId));
    }
    if (!this.slow || ++this.taken % 7 > 0) return true;
    setTimeout(() => ifOpen((open) => open.writable()), 2);
    return false;
  }
}

/** The same numbers for the same seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("whatever happens to connections, edges and NATS", { retry: 0 }, () => {
  it.each([1, 2, 3])("every message comes: in order, and with QoS 2 once (seed %i)", async (seed) => {
    const next = random(seed);
    const oneOf = <T>(list: readonly T[]) => list[Math.floor(next() * list.length)] as T;
    const edges = [await edge(), await edge()];
    const devices = Array.from({ length: 5 }, (_, i) => new Device(`device-${i}`));
    for (const device of devices) {
      device.slow = device === devices[0];
      await device.connect(oneOf(edges), true);
    }
    // As a client does that is refused while the log is away.
    const reconnect = (device: Device) =>
      until("it is connected", async () => {
        await device.connect(oneOf(edges), false);
        return true;
      });
    const publisher = await edge();
    const sent: { text: string; qos: QoS }[] = [];
    let publishing = true;
    const publish = async () => {
      for (let n = 0; publishing || n < 500; n++) {
        const message = { text: String(n), qos: oneOf([1, 2, 2] as const) };
        await until("it is stored", async () => {
          await append(publisher.log, namespace(), `t/${n % 3}`, message.text, { qos: message.qos });
          return true;
        });
        sent.push(message);
        if (n % 20 === 0) await sleep(5);
      }
    };
    const publisherDone = publish();
    for (let step = 0; step < 40; step++) {
      await sleep(20);
      const device = oneOf(devices);
      const what = next();
      if (what < 0.55) {
        const { session } = device;
        device.session = undefined;
        if (what < 0.4) await session?.close({ publishWill: true });
        await reconnect(device);
      } else if (what < 0.62) {
        const at = Math.floor(next() * edges.length);
        for (const each of devices) each.session = undefined;
        await edges[at]?.abandon();
        edges[at] = await edge();
        for (const each of devices) await reconnect(each);
      } else if (what < 0.65) {
        await servers().nats.kill();
        await servers().nats.start();
      }
    }
    publishing = false;
    await publisherDone;
    for (const device of devices) {
      if (device.session === undefined) await reconnect(device);
    }
    const texts = (exactly: boolean) =>
      sent.filter(({ qos }) => (qos === 2) === exactly).map((each) => each.text);
    for (const device of devices) {
      const all = () => new Set(device.once).size + new Set(device.again).size;
      const haveCome = async () => {
        // As a device does whose connection an edge ends late: for want of its log, say.
        if (device.session === undefined) await reconnect(device);
        return all() === sent.length;
      };
      await until("all have come", haveCome).catch((error) => {
        throw new Error(`${device.clientId} has ${all()} of ${sent.length}`, { cause: error });
      });
      expect([...new Set(device.once)]).toEqual(texts(true));
      expect([...new Set(device.again)]).toEqual(texts(false));
      expect(device.violations).toEqual([]);
    }
    // What was appended again after a lost answer is in the log twice, and comes twice, to all.
    const [first] = devices;
    for (const device of devices) expect(device.once).toEqual(first?.once);
  });
});
