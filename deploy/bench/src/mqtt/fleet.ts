import { auth, devices } from "@fieldlog/contracts";
import { rpcClient } from "@fieldlog/rpc";
import { NoResult } from "../frame/benchmark.js";
import type { System } from "../system/system.js";
import type { SentLane } from "./orders.js";

const NAMESPACE = "default";
const AT_ONCE = 32;
const PLAIN_BYTES = 64;

/** A device with its MQTT password. */
export interface Sender {
  readonly id: string;
  readonly password: string;
}

/** Creates devices of which each has a password of its own; `group` begins their names. */
export async function createSenders(system: System, group: string, count: number): Promise<Sender[]> {
  const devicesClient = rpcClient(devices.DevicesService, system.grpc("devices"));
  const authClient = rpcClient(auth.AuthService, system.grpc("auth"));
  const senders: Sender[] = [];
  const numbers = Array.from({ length: count }, (_, index) => index).values();
  const worker = async () => {
    for (const number of numbers) {
      const { device } = await devicesClient.createDevice({
        ...{ namespace: NAMESPACE, dialect: "tenta", name: `${group}-${number}`, decidedBy: "bench" },
      });
      if (!device) throw new NoResult("a device was not created");
      const asked = { namespace: NAMESPACE, device: device.id, kind: "mqtt-password" };
      const { secret } = await authClient.issueDeviceCredential(asked);
      senders.push({ id: device.id, password: secret });
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  } finally {
    devicesClient.close();
    authClient.close();
  }
  return senders;
}

/** A connection for each sender, on which it publishes plain messages of 64 bytes. */
export function plainLanes(senders: readonly Sender[]): SentLane[] {
  const payload = Buffer.alloc(PLAIN_BYTES, "fieldlog ").toString("base64");
  return senders.map(({ id, password }) => ({
    ...{ clientId: `bench-${id}`, username: id, password, topic: `${id}/bench`, payload },
  }));
}

/** The same messages for a broker that lets anybody in. */
export function anonymousLanes(count: number): SentLane[] {
  return plainLanes(
    Array.from({ length: count }, (_, index) => ({ id: `device-${index}`, password: "" })),
  ).map(({ username: _, password: __, ...lane }) => lane);
}

/** A connection for each sender, on which it publishes measurements of three values. */
export function measurementLanes(senders: readonly Sender[], now: number): SentLane[] {
  return senders.map(({ id, password }, index) => {
    const value = { temperature: 20 + (index % 100) / 10, pressure: 1013.25, humidity: 45.5 };
    const payload = Buffer.from(JSON.stringify([{ revision: 1, timestamp: now / 1000, value }]));
    return {
      ...{ clientId: `bench-${id}`, username: id, password, topic: `measurements/${id}` },
      payload: payload.toString("base64"),
    };
  });
}
