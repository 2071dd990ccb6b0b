import { StoreCompression } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { streamDefinitions } from "./streams.js";

it("a log is compressed, but not one with several copies", () => {
  const compression = (replicas: number) => {
    const unlimited = { signalsMaxBytes: -1, registryMaxBytes: -1 };
    return streamDefinitions({ replicas, ...unlimited }).map((one) => one.compression);
  };
  expect(compression(1)).toEqual([StoreCompression.S2, StoreCompression.S2]);
  expect(compression(3)).toEqual([StoreCompression.None, StoreCompression.None]);
});
