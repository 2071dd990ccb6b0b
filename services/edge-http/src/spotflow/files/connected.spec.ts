import { describe, expect, it } from "vitest";
import { connectionToken } from "./connected.js";

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
