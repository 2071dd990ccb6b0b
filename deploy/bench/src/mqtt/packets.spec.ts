import { describe, expect, it } from "vitest";
import { AckReader, connectPacket, publishPacket } from "./packets.js";

describe("packets", () => {
  it("are as MQTT 3.1.1 has them", () => {
    expect(connectPacket({ clientId: "c", username: "u", password: "p" }, 300).toString("hex")).toBe(
      `1013${"00044d515454"}04c2012c${"000163"}${"000175"}${"000170"}`,
    );
    expect(publishPacket("a/b", 258, Buffer.from("hi")).toString("hex")).toBe(`3209${"0003612f62"}01026869`);
    const long = publishPacket("a", 1, Buffer.alloc(200));
    expect([...long.subarray(0, 3)]).toEqual([0x32, 0xcd, 0x01]);
  });
});

describe("AckReader", () => {
  it("reads acknowledgements however they are cut", () => {
    const bytes = Buffer.from("20020000" + "40020001" + "40020102", "hex");
    for (let size = 1; size <= bytes.length; size++) {
      const reader = new AckReader();
      const ids: number[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        reader.push(bytes.subarray(at, at + size), (id) => ids.push(id));
      }
      expect(ids).toEqual([0, 1, 258]);
    }
  });
  it.each(["20020005", "40030001", "300200ff"])("refuses anything else: %s", (hex) => {
    expect(() => new AckReader().push(Buffer.from(hex, "hex"), () => undefined)).toThrow();
  });
});
