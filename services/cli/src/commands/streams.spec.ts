import { describe, expect, it } from "vitest";
import { staged } from "../staged.fixture.js";

const BASE = "http://127.0.0.1:8080/v1/namespaces";
const AT = "2026-05-01T12:00:00Z";

describe("streams", () => {
  it("are made, listed and removed", async () => {
    const stream = {
      name: "press",
      concatenation: "lines",
      batchPattern: "",
      messagePattern: "{sequenceId}",
    };
    const group = { name: "plant", defaultStream: "press", defaultGroup: false };
    const { run, asked, said } = staged([
      { status: 204 },
      { body: { groups: [{ ...group, streams: [{ ...stream, default: true }] }] } },
      { status: 204 },
    ]);
    const set =
      "streams set plant press -n test --concatenation lines --message-pattern {sequenceId} --default";
    expect(await run(set)).toBe(0);
    expect(asked[0]).toMatchObject({
      ...{ method: "PUT", url: `${BASE}/test/stream-groups/plant/streams/press` },
      body: { concatenation: "lines", messagePattern: "{sequenceId}", default: true },
    });
    expect(await run("streams list")).toBe(0);
    expect(said.out).toMatch(/plant +press \* +lines +\{sequenceId\}/);
    expect(await run("streams remove plant press")).toBe(0);
    expect(asked[2]).toMatchObject({ method: "DELETE" });
    expect(await run("streams set plant press --concatenation often")).toBe(2);
  });

  it("tell what came, and what went nowhere", async () => {
    const batch = {
      number: 4096,
      group: "plant",
      stream: "press",
      device: "d1",
      id: "b\u001b[2J",
      state: "open",
    };
    const message = { position: 4097, path: "messages/plant/press/d1/b/1", bytes: 3, receivedAt: AT };
    const dead = {
      position: 5,
      device: "d2",
      reason: "no-batch",
      group: null,
      stream: "x",
      bytes: 0,
      receivedAt: AT,
    };
    const { run, asked, said } = staged([
      { body: { batches: [{ ...batch, messages: 2, bytes: 6, begunAt: AT }] } },
      { body: { messages: [message] } },
      { body: { deadLetters: [dead] } },
    ]);
    expect(await run("streams batches --stream press --state open")).toBe(0);
    expect(asked[0]?.url).toBe(`${BASE}/default/streams/batches?limit=100&stream=press&state=open`);
    expect(said.out).toContain("b\ufffd[2J");
    expect(await run("streams messages --batch b --limit 5")).toBe(0);
    expect(asked[1]?.url).toBe(`${BASE}/default/streams/messages?limit=5&batch=b`);
    expect(said.out).toContain("messages/plant/press/d1/b/1");
    expect(await run("streams dead-letters")).toBe(0);
    expect(said.out).toMatch(/d2 +no-batch/);
  });
});
