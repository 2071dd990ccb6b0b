import { describe, expect, it } from "vitest";
import { serversOf } from "./event-log.js";

describe("serversOf", () => {
  it("takes user and password out of the URL, and undoes its escapes", () => {
    expect(serversOf("nats://me:p%40ss@127.0.0.1:4222")).toEqual({
      servers: ["nats://127.0.0.1:4222"],
      user: "me",
      pass: "p@ss",
    });
  });

  it("takes a lone name for a token", () => {
    expect(serversOf("nats://secret@nats:4222")).toEqual({ servers: ["nats://nats:4222"], token: "secret" });
  });

  it("takes several servers, with the credentials of the first that has any", () => {
    expect(serversOf("nats://a:4222, tls://u:p@b:4222")).toEqual({
      servers: ["nats://a:4222", "tls://b:4222"],
      user: "u",
      pass: "p",
    });
  });
});
