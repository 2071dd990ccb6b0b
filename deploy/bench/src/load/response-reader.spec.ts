import { describe, expect, it } from "vitest";
import { ResponseReader, UnreadableResponse } from "./response-reader.js";

const answer = (status: number, body: string, header = "Content-Length") =>
  Buffer.from(`HTTP/1.1 ${status} Reason\r\nDate: now\r\n${header}: ${body.length}\r\nX-Y: z\r\n\r\n${body}`);

describe("ResponseReader", () => {
  it("gives the status of a whole answer, again and again", () => {
    const reader = new ResponseReader();
    expect(reader.push(answer(200, "hello"))).toBe(200);
    expect(reader.push(answer(503, "", "content-length"))).toBe(503);
  });

  it("puts an answer together wherever it is cut", () => {
    const whole = answer(200, "hello");
    for (let cut = 1; cut < whole.length; cut++) {
      const reader = new ResponseReader();
      expect(reader.push(whole.subarray(0, cut))).toBe(0);
      expect(reader.push(whole.subarray(cut))).toBe(200);
    }
  });

  it("does not keep a view of a buffer that is used again", () => {
    const whole = answer(200, "hello");
    const buffer = Buffer.from(whole.subarray(0, 20));
    const reader = new ResponseReader();
    reader.push(buffer);
    buffer.fill(0);
    expect(reader.push(whole.subarray(20))).toBe(200);
  });

  it("refuses what it cannot read", () => {
    const chunked = Buffer.from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    expect(() => new ResponseReader().push(chunked)).toThrow(UnreadableResponse);
    expect(() => new ResponseReader().push(Buffer.from("SSH-2.0-x\r\n\r\n"))).toThrow(UnreadableResponse);
    const two = Buffer.concat([answer(200, ""), answer(200, "")]);
    expect(() => new ResponseReader().push(two)).toThrow(UnreadableResponse);
  });
});
