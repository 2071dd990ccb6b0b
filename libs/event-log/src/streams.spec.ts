import { StoreCompression } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { streamDefinitions } from "./streams.js";

it("a log is compressed, but not one with several copies", () => {
  const compression = (replicas: number) => {
    const unlimited = { signalsMaxBytes: -1, registryMaxBytes: -1 };
    return streamDefinitions({ replicas, shards: 1, ...unlimited }).map((one) => one.compression);
  };
  expect(compression(1)).toEqual([StoreCompression.S2, StoreCompression.S2]);
  expect(compression(3)).toEqual([StoreCompression.None, StoreCompression.None]);
});

it("each shard has a stream of signals, and all have one of decisions", () => {
  const options = { replicas: 1, shards: 3, signalsMaxBytes: 7, registryMaxBytes: 9 };
  expect(
    streamDefinitions(options).map(({ name, subjects, max_bytes }) => [name, subjects, max_bytes]),
  ).toEqual([
    ["SIGNALS", ["signals.*"], 7],
    ["SIGNALS_1", ["signals_1.*"], 7],
    ["SIGNALS_2", ["signals_2.*"], 7],
    ["REGISTRY", ["registry.>"], 9],
  ]);
});
