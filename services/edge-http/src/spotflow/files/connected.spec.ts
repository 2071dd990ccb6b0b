import { Budget } from "@fieldlog/admission";
import { describe, expect, it } from "vitest";
import { connectedDevice, connectionToken } from "./connected.js";

describe("a shared access signature", () => {
  it("holds the connection token, wherever it stands", () => {
    expect(connectionToken("SharedAccessSignature sr=a.example&sig=Ab-_9&se=1800000000")).toBe("Ab-_9");
    expect(connectionToken("SharedAccessSignature sig=Ab")).toBe("Ab");
  });

  it.each([
    undefined,
    "",
    "Bearer Ab",
    "SharedAccessSignature",
    "SharedAccessSignature sr=a&nosig=Ab",
    "SharedAccessSignature sig=A%2Bb",
    `SharedAccessSignature sig=${"A".repeat(5_000)}`,
  ])("is not %j", (header) => expect(connectionToken(header)).toBeUndefined());
});

describe("a device that asks", () => {
  it("is refused once it has asked too much, by whichever of its tokens", async () => {
    const budget = new Budget(1, 2);
    const known = {
      connections: { get: async () => ({ namespace: "n", device: "d", expiresAt: 9, budget }) },
      namespaces: { get: async () => undefined },
    } as unknown as Parameters<typeof connectedDevice>[0];
    const request = { params: { id: "n:d" }, headers: { authorization: "SharedAccessSignature sig=Ab" } };
    const asked = () => connectedDevice(known, request as Parameters<typeof connectedDevice>[1], 0);
    await asked();
    await asked();
    await expect(asked()).rejects.toMatchObject({ status: 429 });
  });
});
