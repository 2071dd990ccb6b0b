import { JetStreamApiError, type JetStreamClient, type PubAck } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { publish } from "./publish.js";

const PUBLICATION = { subject: "signals.ns", data: new Uint8Array(1), stream: "SIGNALS" };

/** A server that answers so, one attempt after the other. */
function server(...answers: (PubAck | Error)[]) {
  const ids: string[] = [];
  const js = {
    publish: async (_subject: string, _data: Uint8Array, options: { msgID: string }) => {
      ids.push(options.msgID);
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  return { js: js as unknown as JetStreamClient, ids };
}

const refused = (err_code: number, code = 409) =>
  new JetStreamApiError({ code, err_code, description: "refused" });

it("asks again, under the same id, while a cluster has not decided on the attempt before", async () => {
  const { js, ids } = server(new Error("timeout"), refused(10_158), { seq: 7 } as PubAck);
  expect(await publish(js, PUBLICATION)).toBe(7);
  expect(ids).toHaveLength(3);
  expect(new Set(ids).size).toBe(1);
});

it("does not ask again after a refusal", async () => {
  const { js, ids } = server(refused(10_071, 400));
  await expect(publish(js, PUBLICATION)).rejects.toMatchObject({ code: 10_071 });
  expect(ids).toHaveLength(1);
});
