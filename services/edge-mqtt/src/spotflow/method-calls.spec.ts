import { limits } from "@fieldlog/contracts";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { MethodCalls, MethodFailed } from "./method-calls.js";

let sent: string[];
let calls: MethodCalls;
let takes: boolean;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  takes = true;
  calls = new MethodCalls((id, name) => takes && sent.push(`${id} ${name}`) > 0);
});
afterEach(() => void vi.useRealTimers());

const call = () => calls.call("blink", new Uint8Array());
const ANSWER = { status: 200, payload: new Uint8Array([1]) };

it("a call has the answer that comes under its id", async () => {
  const both = [call(), call()];
  expect(sent).toEqual(["1 blink", "2 blink"]);
  calls.answered("2", { ...ANSWER, status: 404 });
  calls.answered("1", ANSWER);
  calls.answered("1", ANSWER);
  expect(await Promise.all(both)).toEqual([ANSWER, { ...ANSWER, status: 404 }]);
});

it("a call fails after a time, when the device goes, and when it cannot be sent", async () => {
  const late = expect(call()).rejects.toMatchObject({ unanswered: true });
  vi.advanceTimersByTime(limits.methodMs);
  await late;
  const soon = expect(calls.call("blink", new Uint8Array(), 10)).rejects.toThrow("did not answer");
  vi.advanceTimersByTime(10);
  await soon;
  const gone = expect(call()).rejects.toMatchObject({ message: "the device has gone", unanswered: true });
  calls.end();
  await gone;
  takes = false;
  await expect(call()).rejects.toMatchObject({ unanswered: false });
});

it("no more calls wait than may", async () => {
  const waiting = Array.from({ length: limits.methodCalls }, call);
  await expect(call()).rejects.toBeInstanceOf(MethodFailed);
  calls.answered("1", ANSWER);
  await waiting[0];
  const rest = Promise.allSettled([...waiting, call()]);
  calls.end();
  expect((await rest).filter(({ status }) => status === "rejected").length).toBe(limits.methodCalls);
});
