import { OwnWrites } from "@fieldlog/admission";
import { RecordConflict } from "@fieldlog/event-log";
import type { Objects } from "@fieldlog/objects";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Problem } from "../native/problem.js";
import { OffersInMemory } from "./offers.fixture.js";
import type { KnownProgress, Progress, ProgressRecords } from "./progress.js";
import { Resumable } from "./resumable.js";
import { Uploads } from "./uploads.js";

/** Objects and records in memory. */
function world() {
  const offers = new OffersInMemory();
  const stored = new Map<string, Buffer>();
  const objects = {
    kind: "nats",
    async put(name: string, content: AsyncIterable<Uint8Array>) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of content) chunks.push(chunk);
      stored.set(name, Buffer.concat(chunks));
      return { bytes: 0, sha256: new Uint8Array() };
    },
    async *get(name: string, { from, to } = { from: 0, to: Number.MAX_SAFE_INTEGER }) {
      yield (stored.get(name) ?? Buffer.alloc(0)).subarray(from, to);
    },
    delete: async (name: string) => void stored.delete(name),
  } as unknown as Objects;
  const known = new Map<string, KnownProgress>();
  const records = {
    find: async (token: string) => known.get(token),
    async write(token: string, record: Progress, revision: number) {
      if ((known.get(token)?.revision ?? 0) !== revision) throw new RecordConflict();
      const next = { namespace: "_", id: token, record, revision: revision + 1 };
      known.set(token, next);
      return next;
    },
  } as unknown as ProgressRecords;
  const uploads = new Uploads({ offers, objects, ownWrites: new OwnWrites(), partBytes: 16 });
  return { offers, stored, known, resumable: new Resumable({ uploads, records, objects }) };
}

async function* body(data: Uint8Array, size = 5) {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}

const HEADERS = { "tus-resumable": "1.0.0", "content-type": "application/offset+octet-stream" };

describe("a resumable upload", () => {
  it("ends with what was sent, however it was cut into requests, and leaves no other object", async () => {
    const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(pieces, async (parts) => {
        const { offers, resumable, stored } = world();
        const token = offers.add({ format: "x/y" });
        const whole = Buffer.concat(parts);
        for (const part of parts) {
          const offset = (await resumable.head(token)).headers["upload-offset"];
          const isLast = Number(offset) + part.length === whole.length;
          const length = isLast ? { "upload-length": String(whole.length) } : {};
          const headers = { ...HEADERS, "upload-offset": offset, ...length };
          expect((await resumable.patch(token, headers, () => body(part))).status).toBe(204);
        }
        const { phase, stored: end } = offers.upload(token);
        expect([phase, Number(end?.bytes)]).toEqual(["stored", whole.length]);
        expect(new Set(stored.keys())).toEqual(new Set(end?.objects));
      }),
      { numRuns: 50 },
    );
  });

  it("is told to be complete when the edge that ended it was killed before it noted that", async () => {
    const { offers, resumable, known } = world();
    const [token, other] = [offers.add({ format: "x/y" }), offers.add({ format: "x/y" })];
    const headers = { ...HEADERS, "upload-offset": "0", "upload-length": "7" };
    const send = (to: string) => resumable.patch(to, headers, () => body(Buffer.from("content")));
    await send(token);
    const end = known.get(token) as KnownProgress;
    expect(end.record.done).toBe(true);
    const forget = () => known.set(token, { ...end, record: { ...end.record, done: false } });
    const whole = { "upload-offset": "7", "upload-length": "7" };
    forget();
    expect(await resumable.head(token)).toEqual({ status: 200, headers: whole });
    expect(known.get(token)?.record.done).toBe(true);
    forget();
    expect(await send(token)).toEqual({ status: 204, headers: whole });
    // What came another way, or failed, is not.
    offers.upload(other).phase = "stored";
    await expect(resumable.head(other)).rejects.toMatchObject({ status: 409 });
    forget();
    offers.upload(token).phase = "failed";
    await expect(resumable.head(token)).rejects.toMatchObject({ status: 409 });
    await expect(send(token)).rejects.toMatchObject({ status: 409 });
  });

  it("answers any headers with an offset or a refusal, never anything else", async () => {
    const { offers, resumable } = world();
    const token = offers.add({ format: "x/y", maxBytes: 100 });
    const number = fc.oneof(
      fc.nat(200).map(String),
      fc.string(),
      fc.constantFrom("-1", "1e3", "9".repeat(17), "0x1"),
    );
    const headers = fc.record(
      {
        "tus-resumable": fc.oneof(fc.constant("1.0.0"), fc.string()),
        "content-type": fc.oneof(fc.constant("application/offset+octet-stream"), fc.string()),
        "upload-offset": number,
        "upload-length": number,
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(headers, fc.uint8Array({ maxLength: 150 }), async (given, data) => {
        const answer = await resumable.patch(token, given, () => body(data)).catch((error: unknown) => error);
        if (answer instanceof Problem) expect([400, 409, 412, 413, 415]).toContain(answer.status);
        else
          expect(answer).toMatchObject({
            status: 204,
            headers: { "upload-offset": expect.stringMatching(/^\d+$/) },
          });
      }),
      { numRuns: 500 },
    );
  });
});
