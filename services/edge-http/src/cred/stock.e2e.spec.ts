import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { THERMOSTAT } from "./cred.fixture.js";
import { python, startStock } from "./stock.fixture.js";

// What exists of cred, unmodified: its client library, and what its web page asks (B10).

let stock: Awaited<ReturnType<typeof startStock>>;
beforeAll(async () => {
  stock = await startStock();
}, 240_000);
afterAll(() => stock?.stop());

/** One client subscribes and pulls in its thread as the library does it, another one submits. */
const HOUSE = `
import json, queue, sys
from cred.client import ClientBase
url, key = sys.argv[1:]
handled = queue.Queue()

class Thermostat(ClientBase):
    def handle_event(self, event):
        handled.put(event)

thermostat = Thermostat(url, key, "Thermostat", "Living Room", {"Light": {"location": "Living Room"}, "Alarm": {}})
switch = ClientBase(url, key, "Switch", "Living Room", {})
lobby = ClientBase(url, key, "Lobby Switch", "Lobby", {})
answers = [client.authenticate() for client in (thermostat, switch, lobby)]
first = switch.submit_event("Light", "Turned On", 25.5)
lobby.submit_event("Light", "Turned On", True)
thermostat.start_pulling_subscribedevents()
got = [handled.get(timeout=20)]
second = lobby.submit_event("Alarm", "Rang", None)
got.append(handled.get(timeout=20))
print(json.dumps({
    "answers": answers,
    "submitted": [first["event"]["id"], second["event"]["id"]],
    "handled": got,
    "newest": switch.get_new_events(),
    "none": switch.get_new_events(),
    "clients": switch.get_clients(),
    "short": switch.get_clients(full=False),
}))
`;

describe("cred-client 0.2.6", () => {
  it("authenticates, submits, and handles what it subscribed to as it happens", async () => {
    const { client, keys, system } = stock;
    // Where this machine does not offer it, the console has said so.
    if (!client) return;
    const said = (await python(client, HOUSE, [system.url, keys.write])) as Record<string, unknown[]>;
    const [thermostat, switchAnswer] = said["answers"] as { id: number; PINGTimeout: number }[];
    expect(thermostat).toMatchObject({
      ...{ status: 201, message: "Authenticated", PINGTimeout: 240 },
      ...{ sessionKey: expect.stringMatching(/^[0-9a-f]{64}$/) },
      scheduled: { assigned: false, slot: null, period: null },
    });
    const [first, second] = said["submitted"] as number[];
    const time = expect.stringMatching(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d -0000$/);
    const alarm = {
      ...{
        id: second,
        device: "Lobby Switch",
        name: "Alarm",
        location: "Lobby",
        action: "Rang",
        value: null,
      },
      ...{ time, uri: `${system.url}/events/${second}` },
    };
    expect(said["handled"]).toEqual([
      {
        ...{ id: first, device: "Switch", name: "Light", location: "Living Room", action: "Turned On" },
        ...{ value: "25.5", time, uri: `${system.url}/events/${first}` },
      },
      alarm,
    ]);
    expect(said["newest"]).toEqual([alarm]);
    expect(said["none"]).toEqual([]);
    expect(said["clients"]).toMatchObject([
      { device: "Lobby Switch", location: "Lobby" },
      { device: "Switch", location: "Living Room", id: switchAnswer?.id },
      { device: "Thermostat", uri: `${system.url}/clients/${thermostat?.id}` },
    ]);
    expect(Object.keys(said["short"]?.[0] as object)).toEqual(["id", "uri"]);
  });
});

describe("cred-web", () => {
  it("logs in by a form of another origin, and polls clients and events with its cookie", async () => {
    const { keys, newClient } = stock;
    const origin = { origin: "http://web.example:8000" };
    const page = newClient();
    // jQuery leaves an empty `subscribe` out.
    const form = new URLSearchParams({ apikey: keys.read, device: "Web UI", location: "Internet" });
    const { status, headers } = await page.ask("/auth", { method: "POST", body: form, headers: origin });
    expect([status, headers.get("access-control-allow-origin")]).toEqual([201, origin.origin]);
    expect(headers.get("access-control-allow-credentials")).toBe("true");
    const cookie = headers.getSetCookie()[0] ?? "";
    expect(cookie).toMatch(/^sessionKey=[0-9a-f]{64}$/);

    const poll = async (path: string) => {
      const answer = await page.ask(path, { headers: { ...origin, cookie } });
      expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([
        200,
        origin.origin,
      ]);
      return answer.json;
    };
    const thermostat = newClient();
    await thermostat.login(keys.write, { device: THERMOSTAT.device, location: THERMOSTAT.location });
    await thermostat.event({ name: "Temperature", value: 20 });
    const second = await thermostat.event({ name: "Temperature", value: 21 });
    const clients = (await poll("/clients?full=true"))["clients"] as { device: string }[];
    expect(clients.map(({ device }) => device)).toEqual(expect.arrayContaining(["Thermostat", "Web UI"]));
    const newest = await poll("/events?full=true&limit=1");
    expect(newest["events"]).toMatchObject([{ id: second, value: "21", device: "Thermostat" }]);
    expect((await poll(`/events?full=true&after=${second}`))["events"]).toEqual([]);
    const third = await thermostat.event({ name: "Temperature", value: 22 });
    expect((await poll(`/events?full=true&after=${second}`))["events"]).toMatchObject([{ id: third }]);
  });
});
