import { randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import { connectLog } from "@fieldlog/event-log";
import { RemoteDevices } from "@fieldlog/remote";
import { until } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { python, serveSecurely, serveTcp, startStock, WANTED } from "./stock.fixture.js";

// The vendor's own device client, unmodified (B7). Runs with FIELDLOG_STOCK_SPOTFLOW=1, where ports 443 and 8883 are free.

/**
 * Comes in and sends ten batches of ten, packed, in whose midst it is killed. Started again it sends what is left, and
 * a payload that is too large for a message; then properties.
 */
const DEVICE = `
import hashlib, json, os, signal, sys, time, urllib.request
from spotflow_device import Compression, DeviceClient
db, token, door, key, life = sys.argv[1:]

def operate(method, path, body):
    headers = {"authorization": "Bearer " + key, "content-type": "application/json"}
    request = urllib.request.Request(door + "/workspaces/test" + path, json.dumps(body).encode(), headers, method=method)
    urllib.request.urlopen(request).read()

def approve(operation):
    operate("PUT", "/provisioning-operations/approve", {"provisioningOperationId": operation.id})

client = DeviceClient.start(
    device_id="stock-1", provisioning_token=token, db=db, instance="localhost",
    display_provisioning_operation_callback=approve,
)
empty = client.get_desired_properties().values
sender = client.create_stream_sender(stream_group="fruit", stream="apples", compression=Compression.FASTEST)
if life == "first":
    for batch in range(10):
        for message in range(10):
            sender.enqueue_message(b"apple " * 100, str(batch), str(message))
    while client.pending_messages_count > 60:
        time.sleep(0.001)
    print(json.dumps({"left": client.pending_messages_count}), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
left = client.pending_messages_count
large = os.urandom(300_000)
sender.enqueue_message(large, "large", "0")
sender.enqueue_batch_completion("large")
client.wait_enqueued_messages_sent()
client.update_reported_properties({"firmware": "2.1.1"})
while client.any_pending_reported_properties_updates:
    time.sleep(0.05)
operate("PATCH", "/devices/stock-1/desired-properties", {"interval": 30})
deadline = time.time() + 30
while client.get_desired_properties().values != {"interval": 30} and time.time() < deadline:
    time.sleep(0.05)
print(json.dumps({
    "device": client.device_id, "empty": empty, "desired": client.get_desired_properties().values,
    "left": left, "large": hashlib.sha256(large).hexdigest(),
}))
os._exit(0)
`;

/** Comes in, allows remote access, and stays for as long as it is not hung up on. */
const REACHED = `
import json, os, socket, sys
from spotflow_device import DeviceClient
db, token, wait = sys.argv[1:]
client = DeviceClient.start(
    device_id="stock-2", provisioning_token=token, db=db, instance="localhost", allow_remote_access=True,
)
waiting = socket.create_connection(("127.0.0.1", int(wait)))
waiting.recv(1)
print(json.dumps({"device": client.device_id}))
os._exit(0)
`;

function withStock(): void {
  let stock: Awaited<ReturnType<typeof startStock>>;
  beforeAll(async () => {
    stock = await startStock();
  }, 240_000);
  afterAll(() => stock?.stop());

  const ask = async (method: string, path: string, body?: object) => {
    const { system } = stock;
    const response = await fetch(`${system.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${system.adminKey}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>;
  };

  it("comes in, sends batches through a kill and a large payload, and keeps its properties", async () => {
    const { client, dir, ca, system } = stock;
    const native = "/v1/namespaces/test";
    await ask("PUT", `${native}/stream-groups/fruit/streams/apples`, {});
    const { provisioningToken } = await ask("POST", "/workspaces/test/provisioning-tokens/create", {});
    const args = [join(dir, "stock.db"), String(provisioningToken), system.url, system.adminKey];
    const killed = await python(client, DEVICE, [...args, "first"], ca).catch((error: unknown) => error);
    expect(killed).toMatchObject({ signal: "SIGKILL" });
    const { left } = JSON.parse((killed as { stdout: string }).stdout);
    expect(left > 0 && left < 100).toBe(true);
    const said = await python(client, DEVICE, [...args, "second"], ca);
    expect(said).toMatchObject({ device: "stock-1", empty: {}, desired: { interval: 30 } });
    expect(said["left"]).toBeLessThanOrEqual(left);
    const stored = await until("all are stored", async () => {
      const { messages } = await ask("GET", `${native}/streams/messages?limit=1000`);
      const found = messages as { batch: string; bytes: number; sha256: string | null }[];
      return found.length === 101 && found.every(({ sha256 }) => sha256 !== null) && found;
    });
    expect(stored.filter(({ batch }) => batch !== "large").every(({ bytes }) => bytes === 600)).toBe(true);
    expect(stored.find(({ batch }) => batch === "large")).toMatchObject({
      bytes: 300_000,
      sha256: said["large"],
    });
    expect(await ask("GET", "/workspaces/test/devices/stock-1/reported-properties")).toMatchObject({
      firmware: "2.1.1",
    });
  }, 150_000);

  it("is reached by a tunnel to one of its ports", async () => {
    const { client, dir, ca, certificate, natsUrl } = stock;
    const token = { name: "reached", approved: true };
    const { token: made } = await ask("POST", "/v1/namespaces/test/provisioning-tokens", token);
    await ask("PATCH", "/v1/namespaces/test/settings", { remoteAccess: true });
    const [echo, wait] = [await serveTcp((socket) => socket.pipe(socket)), await serveTcp(() => undefined)];
    const ended = python(client, REACHED, [join(dir, "reached.db"), String(made), String(wait.port)], ca);
    await until("it is there", () => wait.connections() === 1);
    const path = `/workspaces/test/devices/stock-2/remote-access/ports/${echo.port}/secure-uri`;
    const { tunnelSecureUri } = await ask("POST", path);
    const sent = randomBytes(300_000);
    const tunnel = new WebSocket(String(tunnelSecureUri));
    tunnel.binaryType = "arraybuffer";
    const got: Buffer[] = [];
    const closed = new Promise<string>((resolve) => {
      tunnel.onclose = ({ code, reason }) => resolve(`${code} ${reason}`);
    });
    tunnel.onmessage = ({ data }) => got.push(Buffer.from(data as ArrayBuffer));
    tunnel.onopen = () => tunnel.send(sent);
    await until("all came back", () => Buffer.concat(got).equals(sent));
    // Where a proxy knows TLS in front of edge-websocket, the device is called with the URI of that.
    const proxy = await serveSecurely(certificate);
    const log = await connectLog({ url: natsUrl, name: "stock test" });
    const uri = `wss://localhost:${proxy.port}/v1/tunnels/device?token=t`;
    const asked = { tunnelId: randomUUID(), port: echo.port, tunnelSecureUri: uri };
    const payload = Buffer.from(JSON.stringify(asked));
    const called = { case: "callMethod", value: { name: "!remote-access", payload } } as const;
    const reply = await new RemoteDevices(log.connection).ask("test", "stock-2", called, 32_000);
    expect([reply?.refused, reply?.method?.status]).toEqual(["", 200]);
    await proxy.arrived;
    proxy.stop();
    await log.close();
    echo.hangUp();
    expect(await closed).toBe("1000 the device closed it");
    wait.hangUp();
    expect(await ended).toEqual({ device: "stock-2" });
  }, 150_000);
}

describe("spotflow-device 2.1.1", () => {
  if (WANTED) withStock();
  else it("is tried where FIELDLOG_STOCK_SPOTFLOW=1 asks for it", () => expect(WANTED).toBe(false));
});
