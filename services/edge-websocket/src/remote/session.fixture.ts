import type { DeviceSession } from "./feature.js";
import type { Hello } from "./hello.js";

type Json = Record<string, unknown>;

export const HELLO: Hello = {
  ...{ version: 4, apiKey: "ei_", deviceId: "d", deviceType: "BOARD", connection: "ip", sensors: [] },
  ...{ supportsSnapshotStreaming: true, mode: "inference", inferenceInfo: "{}" },
};

/** A device's connection without a socket: what it was sent, and what was said of it. */
export function fakeSession(hello: Partial<Hello> = {}) {
  const sent: Json[] = [];
  const told: string[] = [];
  const refused: string[] = [];
  let paused = 0;
  let answers: Promise<void> = Promise.resolve();
  const session: DeviceSession = {
    ...{ namespace: "n", device: "d", connection: "c", encoding: "json" },
    hello: { ...HELLO, ...hello },
    send: (message) => sent.push(message as Json),
    sendEncoded: () => undefined,
    answerFirst(message) {
      answers = answers
        .then(async () => {
          sent.push((await message) as Json);
        })
        .catch(() => undefined);
    },
    refuse: (err) => refused.push(err),
    pause: () => paused++,
    resume: () => paused--,
  };
  const events = {
    tell: (name: string, data: object) => {
      told.push(`${name} ${Object.values(data).join(" ")}`.trim());
    },
  };
  return { session, events, sent, told, refused, paused: () => paused };
}
