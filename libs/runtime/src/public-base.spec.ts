import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import { describe, expect, it } from "vitest";
import { ownWebSocketBase, publicBase, publicMqtt, webSocketBase } from "./public-base.js";

const at = { localAddress: "127.0.0.1", localPort: 8080 };
const from = (host: string | undefined, socket: object = at) =>
  ({ headers: host === undefined ? {} : { host }, socket }) as unknown as IncomingMessage;
const byTls = (host: string) => from(host, Object.create(TLSSocket.prototype));

describe("a door's own address", () => {
  it("is the setting's, whatever the request says", () => {
    const base = publicBase({ publicUrl: "https://log.example.org/" });
    expect(base(from("evil.example"))).toBe("https://log.example.org");
  });

  it("is the request's where there is no setting, if it is an address at all", () => {
    const base = publicBase({ publicUrl: undefined });
    expect(base(from("station.local:8080"))).toBe("http://station.local:8080");
    expect(base(byTls("station.local:8443"))).toBe("https://station.local:8443");
    expect(base(from("[::1]:80"))).toBe("http://[::1]:80");
    for (const host of [undefined, "", "a/b", 'a"b', "user@a", "a b"]) {
      expect(base(from(host))).toBe("http://127.0.0.1:8080");
    }
    expect(base(from("", { localAddress: "::1", localPort: 1 }))).toBe("http://[::1]:1");
  });
});

describe("the MQTT door's address", () => {
  it("is the setting's, with the port of its protocol", () => {
    const at = (publicMqttUrl: string | undefined) => publicMqtt({ publicMqttUrl });
    expect(at(undefined)).toBeUndefined();
    expect(at("mqtts://mqtt.example.org")).toEqual({ host: "mqtt.example.org", port: 8883 });
    expect(at("mqtt://mqtt.example.org/")).toEqual({ host: "mqtt.example.org", port: 1883 });
    expect(at("mqtts://[::1]:9883")).toEqual({ host: "[::1]", port: 9883 });
  });
});

describe("the WebSocket door's address", () => {
  const ports = { wsPort: 8081, wssPort: 8444 };
  const settings = { publicUrl: undefined, publicWsUrl: undefined, tlsCert: "server.pem", ...ports };

  it("is on the host that was asked for, by TLS for who came by it", () => {
    const base = webSocketBase(settings);
    expect(base(from("station.local:8080"))).toBe("ws://station.local:8081");
    expect(base(byTls("station.local:8443"))).toBe("wss://station.local:8444");
  });

  it("is on the public host, at the port of whatever has the certificate", () => {
    const publicUrl = "https://log.example.org";
    expect(webSocketBase({ ...settings, publicUrl })(from("a"))).toBe("wss://log.example.org:8444");
    const behind = { ...settings, publicUrl, tlsCert: undefined };
    expect(webSocketBase(behind)(from("a"))).toBe("wss://log.example.org:8081");
    expect(ownWebSocketBase(behind)(from("a"))).toBe("wss://log.example.org:8081");
    const plain = { ...settings, publicUrl: "http://log.example.org" };
    expect(webSocketBase(plain)(from("a"))).toBe("ws://log.example.org:8081");
  });

  it("is the setting's where there is one", () => {
    const set = { ...settings, publicUrl: "https://log.example.org", publicWsUrl: "wss://ws.example.org/" };
    expect(webSocketBase(set)(from("a"))).toBe("wss://ws.example.org");
    expect(ownWebSocketBase(set)(from("a"))).toBe("wss://ws.example.org");
  });

  it("is the request's for who came to it", () => {
    const base = ownWebSocketBase(settings);
    expect(base(from("station.local:9081"))).toBe("ws://station.local:9081");
    expect(base(byTls("station.local:9444"))).toBe("wss://station.local:9444");
    expect(base(from(""))).toBe("ws://127.0.0.1:8080");
  });
});
