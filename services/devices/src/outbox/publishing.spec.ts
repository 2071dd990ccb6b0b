import { create, fromBinary } from "@bufbuild/protobuf";
import { registry, signals } from "@fieldlog/contracts";
import { expect, test } from "vitest";
import type { Unpublished } from "../decisions/configuration.js";
import { publishUnpublished } from "./publishing.js";

const id = { namespace: "default", id: "d" };
const signal = new AbortController().signal;

/** A log that takes signals until it refuses, and what was decided of them. */
function set(count: number, refuse: (revision: number) => boolean = () => false) {
  const appended: number[] = [];
  const decided: number[][] = [];
  const unpublished: Unpublished[] = Array.from({ length: count }, (_, i) => ({
    revision: i,
    sequence: 10 * i,
  }));
  const value = (sequence: number) => ({ revision: sequence / 10, valueJson: `{"at":${sequence}}` });
  let counted = 0;
  const options = {
    log: {
      signals: {
        pending: 0,
        append: async (_: string, bytes: Uint8Array) => {
          const { body } = fromBinary(signals.SignalSchema, bytes);
          const sent = JSON.parse(Buffer.from((body.value as signals.Message).payload).toString());
          expect(sent.configuration).toEqual({ at: 10 * sent.revision });
          if (refuse(sent.revision)) throw new Error("full");
          return appended.push(sent.revision);
        },
      },
      registry: {
        at: async (sequence: number) =>
          create(registry.DecisionSchema, {
            events: [{ event: { case: "configurationCreated", value: value(sequence) } }],
          }),
      },
    },
    configurations: {
      get: async () => ({ revisions: count, unpublished, acknowledged: new Uint8Array() }),
      published: async (_: string, __: string, revisions: readonly number[]) => {
        decided.push([...revisions]);
      },
    },
    onPublished: (published: number) => {
      counted += published;
    },
  };
  return { options, appended, decided, counted: () => counted };
}

test("publishes in the order of the revisions, and decides once for several", async () => {
  const { options, appended, decided, counted } = set(40);
  await publishUnpublished(options, id, signal);
  expect(appended).toEqual(Array.from({ length: 40 }, (_, i) => i));
  expect(decided.flat()).toEqual(appended);
  expect(decided.length).toBeLessThan(5);
  expect(counted()).toBe(40);
});

test("does nothing where nothing is to be done", async () => {
  const { options, decided } = set(0);
  await publishUnpublished(options, id, signal);
  expect(decided).toEqual([]);
});

test("decides what was stored before the log refused, not what came after, and passes the refusal on", async () => {
  const { options, decided, counted } = set(20, (revision) => revision === 5);
  await expect(publishUnpublished(options, id, signal)).rejects.toThrow("full");
  expect(decided).toEqual([[0, 1, 2, 3, 4]]);
  expect(counted()).toBe(5);
  const none = set(20, () => true);
  await expect(publishUnpublished(none.options, id, signal)).rejects.toThrow("full");
  expect(none.decided).toEqual([]);
});

test("appends nothing any more when it has lost the lease", async () => {
  const { options, appended } = set(3);
  const ended = new AbortController();
  options.configurations.get = async () => {
    ended.abort();
    return { revisions: 1, unpublished: [{ revision: 0, sequence: 0 }], acknowledged: new Uint8Array() };
  };
  await publishUnpublished(options, id, ended.signal);
  expect(appended).toEqual([]);
});

test("says which revision the log lacks", async () => {
  const { options } = set(1);
  options.log.registry.at = async () => create(registry.DecisionSchema);
  await expect(publishUnpublished(options, id, signal)).rejects.toThrow("no revision 0 at sequence 0");
});
