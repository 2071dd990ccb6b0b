import type { IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { downloadUrl, publicBase, uploadUrl } from "./public-base.js";

const from = (host: string | undefined, socket: object = { localAddress: "127.0.0.1", localPort: 8080 }) =>
  ({ headers: host === undefined ? {} : { host }, socket }) as unknown as IncomingMessage;

describe("the door's own address", () => {
  it("is the setting's, whatever the request says", () => {
    expect(publicBase("https://log.example.org/")(from("evil.example"))).toBe("https://log.example.org");
  });

  it("is the request's where there is no setting, if it is an address at all", () => {
    const base = publicBase(undefined);
    expect(base(from("station.local:8080"))).toBe("http://station.local:8080");
    expect(base(from("[::1]:80"))).toBe("http://[::1]:80");
    for (const host of [undefined, "", "a/b", 'a"b', "user@a", "a b"]) {
      expect(base(from(host))).toBe("http://127.0.0.1:8080");
    }
    expect(base(from("", { localAddress: "::1", localPort: 1 }))).toBe("http://[::1]:1");
  });

  it("makes URLs of tokens", () => {
    expect(uploadUrl("http://a", "t")).toBe("http://a/uploads/t");
    expect(downloadUrl("http://a", "n s", 7, "t")).toBe("http://a/json/v1/n%20s/data/reading/7?token=t");
  });
});
