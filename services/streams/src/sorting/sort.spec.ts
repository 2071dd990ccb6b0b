import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { limits, signals } from "@fieldlog/contracts";
import { describe, expect, it } from "vitest";
import type { Cursor } from "./assign.js";
import { Definitions } from "./definitions.js";
import { type Arrived, Facts, type HeldMessage, sort } from "./sort.js";

const PLACE = ["n", "g", "s", "d"];
const definitions = new Map([
  [
    "n",
    new Definitions([
      {
        ...{ sequence: 1, at: 0, group: "g", stream: "s" },
        set: { concatenation: "none", batchPattern: "", messagePattern: "" },
      },
    ]),
  ],
]);

function said(position: number, value: MessageInitShape<typeof signals.StreamMessageSchema>): Arrived {
  const message = create(signals.StreamMessageSchema, { group: "g", stream: "s", batch: "b", ...value });
  const of = { device: "d", identity: "", receivedAt: 1, message };
  return { namespace: "n", key: "d", position, time: new Date(1), value: of } as Arrived;
}

/** Of a batch that is open and holds so many messages, one of which has so many parts. */
function sorted(messages: number, { chunks }: { chunks: number }, ...records: Arrived[]) {
  const facts = new Facts();
  const cursor: Cursor = { batchSequence: 0, open: { number: 1, id: "b", messageSequence: 0, messages } };
  const held: HeldMessage = { position: 1, complete: false, chunks };
  for (;;) {
    const changes = sort(records, definitions, facts);
    if (facts.areAllKnown) return changes;
    facts.identities.add([]);
    facts.cursors.add([[PLACE, cursor]]);
    facts.batches.add([]);
    facts.messages.add([[[...PLACE, "b", "there"], held]]);
    facts.chunks.add([[["n", 1, "7"], true]]);
  }
}

const reasons = ({ dead }: { dead: readonly { reason: string }[] }) => dead.map(({ reason }) => reason);

describe("a batch", () => {
  it("holds as many messages as it may; the others are dead letters, what is in it is not", () => {
    const full = limits.messagesPerBatch;
    const changes = sorted(
      ...([full - 1, { chunks: 1 }] as const),
      ...[said(5, { message: "last" }), said(6, { message: "more" }), said(7, { message: "last" })],
      ...[said(8, { message: "there", chunk: "1" }), said(9, { batch: "c", message: "more" })],
    );
    expect(reasons(changes)).toEqual(["batch-full"]);
    expect(changes.messages.map(({ batch_id, id }) => `${batch_id}/${id}`)).toEqual(["b/last", "c/more"]);
    expect(changes.cursors.get(PLACE.join("\u0000"))?.cursor.open).toMatchObject({ id: "c", messages: 1 });
  });
});

describe("a message", () => {
  it("has as many chunks as it may; it can be completed then", () => {
    const full = { chunks: limits.chunksPerMessage - 1 };
    const last = said(5, { message: "there", chunk: "8" });
    const more = said(6, { message: "there", chunk: "9" });
    const again = said(7, { message: "there", chunk: "7" });
    expect(reasons(sorted(1, full, last, more, again))).toEqual(["message-full"]);
    const word = said(8, { message: "there", completesMessage: true, noPayload: true });
    const { changed, parts } = sorted(1, full, last, more, word);
    expect([...changed.values()]).toEqual([
      { namespace: "n", position: 1, complete: true, chunks: limits.chunksPerMessage },
    ]);
    expect(parts.map(({ position }) => position)).toEqual([5]);
  });
});
