import { assert, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { readHubLogin } from "./login.js";
import { isHubFilter, methodTopic, readHubRequest, twinAnswerTopic } from "./topics.js";

describe("a topic of the hub", () => {
  it("asks for something, under an id that the answer has too", () => {
    expect(readHubRequest("$iothub/twin/GET/?$rid=4f-2e")).toEqual({ kind: "get-twin", id: "4f-2e" });
    const report = "$iothub/twin/PATCH/properties/reported/?";
    expect(readHubRequest(`${report}$rid=1`)).toEqual({ kind: "report", id: "1", version: undefined });
    expect(readHubRequest(`${report}$rid=1&$version=4`)).toEqual({ kind: "report", id: "1", version: 4 });
    expect(readHubRequest("$iothub/methods/res/404/?$rid=9")).toEqual({
      ...{ kind: "method-answer", id: "9", status: 404 },
    });
  });

  it.each([
    ["$iothub/twin/GET/"],
    ["$iothub/twin/GET/?$rid="],
    ["$iothub/twin/GET/?rid=1"],
    [`$iothub/twin/GET/?$rid=${"1".repeat(257)}`],
    ["$iothub/twin/PATCH/properties/reported/?$rid=1&$version=x"],
    ["$iothub/twin/PATCH/properties/desired/?$rid=1"],
    ["$iothub/methods/res/ok/?$rid=1"],
    ["$iothub/methods/POST/x/?$rid=1"],
  ])("that is none asks for nothing: %s", (topic) => {
    expect(readHubRequest(topic)).toBeUndefined();
  });

  it("of any text raises nothing", () => {
    const any = string({ unit: "binary", maxLength: 60 });
    assert(property(any, (text) => void readHubRequest(`$iothub/twin/GET/?$rid=${text}`)));
    assert(property(any, (text) => void readHubLogin(`h/${text}/?api-version=1`, Buffer.from(text), text)));
  });

  it("is made so that devices find their way about it", () => {
    expect(twinAnswerTopic(204, "a", 7)).toBe("$iothub/twin/res/204/?$rid=a&$version=7");
    expect(methodTopic("!remote/x#", "3")).toBe("$iothub/methods/POST/!remote%2Fx%23/?$rid=3");
    expect(isHubFilter("$iothub/twin/res/#")).toBe(true);
    expect(isHubFilter("$iothub/#")).toBe(false);
  });
});

describe("a log-in", () => {
  const SAS = Buffer.from("SharedAccessSignature sr=h.example&sig=t0-_k&se=1780000000");
  it("names the device, and has the connection token in its signature", () => {
    expect(readHubLogin("h.example/w-1:d.1/?api-version=2018-06-30", SAS, "w-1:d.1")).toEqual({
      ...{ workspace: "w-1", device: "d.1", token: "t0-_k" },
    });
  });
  it("is another dialect's, or wrong", () => {
    for (const user of ["d", "ns/d", "h/w:d", "h/w:d/"])
      expect(readHubLogin(user, SAS, "w:d")).toBeUndefined();
    const user = "h/w:d/?api-version=2018-06-30";
    expect(readHubLogin(user, SAS, "d")).toBe("wrong");
    expect(readHubLogin(user, Buffer.from("t0-_k"), "w:d")).toBe("wrong");
  });
});
