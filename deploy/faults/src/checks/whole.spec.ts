import { expect, it } from "vitest";
import { Ledger } from "../ledger/ledger.js";
import { wholeness } from "./whole.js";

it("uploads are wrong where one is missing, doubled, or not as it was sent", () => {
  const ledger = new Ledger("a", true);
  for (let n = 0; n < 4; n++) ledger.sending(n, `digest ${n}`);
  for (let n = 0; n < 3; n++) ledger.acknowledge(n);
  const fetched = (n: number, digest = `digest ${n}`) => ({ sender: "a", n, digest });
  const details = (...found: ReturnType<typeof fetched>[]) =>
    wholeness("uploads", [ledger], found).map(({ detail }) => detail);
  expect(details(fetched(0), fetched(1), fetched(2))).toEqual([]);
  expect(details(fetched(0), fetched(1), fetched(2), fetched(3))).toEqual([]);
  expect(details(fetched(0), fetched(0), fetched(2, "other"))).toEqual([
    "is not there: 1",
    "is there more than once: 0",
    "is not as it was sent: 2",
  ]);
});
