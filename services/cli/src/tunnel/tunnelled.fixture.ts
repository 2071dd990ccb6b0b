import { connect } from "node:net";
import type { EventLog } from "@fieldlog/event-log";
import { RemoteHost } from "@fieldlog/remote";
import type { System } from "@fieldlog/testkit";
import { WebSocket } from "ws";

/** A device of namespace test that has come in by itself, as far as tunnels: it says back what it hears, after its port. */
export async function tunnelled(
  system: System,
  log: EventLog,
  device: string,
): Promise<{ release: () => void }> {
  const asked = async (method: string, path: string, authorization: string, body: object) => {
    const headers = { authorization, "content-type": "application/json" };
    const response = await fetch(`${system.url}${path}`, { method, headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Record<string, string>;
  };
  const admin = `Bearer ${system.adminKey}`;
  const token = { name: device, approved: true };
  const made = await asked("POST", "/v1/namespaces/test/provisioning-tokens", admin, token);
  const own = `DeviceToken ${made["token"]}`;
  const operations = "/provisioning-operations";
  const begun = await asked("POST", `${operations}/init`, own, { deviceId: device });
  const { provisioningOperationId } = begun;
  await asked("PUT", `${operations}/complete`, own, { provisioningOperationId });
  const held = { namespace: "test", device, connection: crypto.randomUUID(), connectedAt: Date.now() };
  const release = new RemoteHost(log.connection).hold(held, (request) => {
    if (request.case === "callMethod") echo(JSON.parse(Buffer.from(request.value.payload).toString()));
    return request.case === "callMethod" ? { method: { status: 200 } } : { status: {} };
  });
  await log.connection.flush();
  return { release };
}

function echo({ port, tunnelSecureUri }: { port: number; tunnelSecureUri: string }): void {
  const socket = new WebSocket(tunnelSecureUri);
  socket.on("open", () => socket.send(Buffer.from(`${port}: `)));
  socket.on("message", (data: Buffer) => socket.send(data));
}

/** What is answered to that until the end, by a TCP connection that ends its side after it. */
export async function spoken(address: string, text: string): Promise<string> {
  const [, host = "", port = ""] = /^(.+):(\d+)$/.exec(address) ?? [];
  const socket = connect({ host, port: Number(port), allowHalfOpen: true });
  socket.end(text);
  let answer = "";
  for await (const chunk of socket) answer += chunk;
  return answer;
}
