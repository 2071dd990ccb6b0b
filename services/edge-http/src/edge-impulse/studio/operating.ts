import { randomInt } from "node:crypto";
import { deviceKey } from "@fieldlog/admission";
import type { RemoteDevices } from "@fieldlog/remote";
import type { z } from "zod";
import type { NewSampling, NewSnapshots, StreamId, WantedRecords } from "./input.js";
import { type Call, DIALECT, note, type StudioParts } from "./parts.js";
import { Refusal, refusals } from "./refusal.js";

// What a person asks of a device that is connected, at the paths that the original has for it.

type Request = Parameters<RemoteDevices["ask"]>[2];

/** Answers at once; the sampling is followed under its number, or by its events. */
export async function startSampling(parts: StudioParts, call: Call<z.output<typeof NewSampling>>) {
  const { namespace, decidedBy } = call.caller;
  const device = await deviceOf(parts, call);
  const { collectedSampleCount: collectedSamples, targetSampleCount: targetSamples, ...rest } = call.body;
  const { sampling, sequence } = await parts.sampling.requestSampling({
    ...{ namespace: namespace.id, device, decidedBy },
    asked: {
      ...rest,
      ...(collectedSamples === undefined ? {} : { collectedSamples }),
      ...(targetSamples === undefined ? {} : { targetSamples }),
    },
  });
  note(parts, namespace.id, sequence);
  return { id: Number(sampling?.number ?? sequence), samplingId: sampling?.id };
}

/** A stream's id says what it is of, so that any edge can keep it alive. */
const STREAMS = ["inference", "low", "high"] as const;
type Stream = (typeof STREAMS)[number];
const IDS = 2 ** 40;

function streamIdOf(stream: Stream): number {
  return randomInt(IDS) * STREAMS.length + STREAMS.indexOf(stream);
}

const streamOf = (id: number): Stream => STREAMS[id % STREAMS.length] as Stream;
const viewerOf = (id: number) => `studio/${id}`;

function wish(id: number): Request {
  const viewer = viewerOf(id);
  const stream = streamOf(id);
  if (stream === "inference") return { case: "wantInference", value: { lasting: false, viewer } };
  return { case: "wantSnapshots", value: { resolution: stream, viewer } };
}

async function start(parts: StudioParts, call: Call, stream: Stream) {
  const streamId = streamIdOf(stream);
  await ask(parts, call, wish(streamId));
  return { streamId };
}

/** The pictures are looked at by the native API's URLs. */
export function startSnapshots(parts: StudioParts, call: Call<z.output<typeof NewSnapshots>>) {
  return start(parts, call, call.body.resolution);
}

export function startInference(parts: StudioParts, call: Call) {
  return start(parts, call, "inference");
}

/** To be asked every 10 s: a wish that is 15 s old is over. */
export async function keepAlive(parts: StudioParts, call: Call<z.output<typeof StreamId>>) {
  await ask(parts, call, wish(call.body.streamId));
  return {};
}

/** Of whoever asks with this id; others go on looking. */
export async function stopStream(parts: StudioParts, call: Call<z.output<typeof StreamId>>) {
  const { streamId } = call.body;
  const viewer = viewerOf(streamId);
  const kind = streamOf(streamId) === "inference" ? "stopInference" : "stopSnapshots";
  await ask(parts, call, { case: kind, value: { viewer } });
  return {};
}

export async function requestModelUpdate(parts: StudioParts, call: Call) {
  await ask(parts, call, { case: "updateModel", value: { version: 0 } });
  return {};
}

export async function requestRecords(parts: StudioParts, call: Call<z.output<typeof WantedRecords>>) {
  const { index, range, list } = call.body;
  const given = [index, range, list.length > 0 || undefined].filter((each) => each !== undefined);
  if (given.length !== 1) throw refusals.invalid("Give one of index, range and list.");
  const value = {
    ...(index === undefined ? {} : { index: BigInt(index) }),
    ...(range?.first === undefined ? {} : { first: BigInt(range.first) }),
    ...(range?.last === undefined ? {} : { last: BigInt(range.last) }),
    list: list.map(BigInt),
  };
  await ask(parts, call, { case: "requestRecords", value });
  return {};
}

/** Raises Refusal 404, 409 (it is not connected, or cannot do it), 503. */
async function ask(parts: StudioParts, call: Call, request: Request): Promise<void> {
  const device = await deviceOf(parts, call);
  const answer = await parts.remote.ask(call.caller.namespace.id, device, request);
  if (answer === undefined) throw refusals.notConnected();
  if (answer.refused !== "") throw new Refusal(409, answer.refused);
  if (answer.dismissed) throw new Refusal(409, "The stream has ended.");
}

/** Raises Refusal 404. */
async function deviceOf(parts: StudioParts, { caller, params }: Call): Promise<string> {
  const { device = "" } = params;
  const known = await parts.known.registered.get(deviceKey(caller.namespace.id, device));
  if (known?.dialect !== DIALECT) throw refusals.noDevice();
  return device;
}
