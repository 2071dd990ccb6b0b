import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { saf } from "@fieldlog/contracts";
import { expect, it } from "vitest";
import { csnDate } from "./csn-date.js";
import { WantedData } from "./wanted-data.js";

const T = Date.UTC(2026, 4, 1);
const MINUTE = 60_000;

type Request = MessageInitShape<typeof saf.HeartbeatResponse_DataRequestSchema>;
const answer = (latestRequestId: bigint, ...dataRequests: Request[]) =>
  create(saf.HeartbeatResponseSchema, { latestRequestId, dataRequests });
const stretch = (requestId: bigint, start: number, end: number): Request => {
  return { requestId, startDate: csnDate(start), endDate: csnDate(end) };
};

it("offers a requested stretch in files of ten minutes, once each", () => {
  const wanted = new WantedData();
  wanted.heard(answer(9n, stretch(9n, T, T + 25 * MINUTE)), T + 60 * MINUTE);
  expect(wanted.latest).toBe(9n);
  const due = wanted.take(T + 60 * MINUTE);
  expect(due).toEqual([
    { start: T, end: T + 10 * MINUTE, request: 9n },
    { start: T + 10 * MINUTE, end: T + 20 * MINUTE, request: 9n },
    { start: T + 20 * MINUTE, end: T + 25 * MINUTE, request: 9n },
  ]);
  expect(wanted.take(T + 60 * MINUTE)).toEqual([]);
  wanted.giveBack(due);
  expect(wanted.take(T + 60 * MINUTE)).toEqual(due);
});

it("waits until what was asked for has happened, and keeps the order", () => {
  const wanted = new WantedData();
  wanted.heard(answer(9n, stretch(9n, T, T + 15 * MINUTE)), T);
  expect(wanted.take(T + 9 * MINUTE)).toEqual([]);
  expect(wanted.take(T + 10 * MINUTE)).toMatchObject([{ start: T }]);
  expect(wanted.take(T + 15 * MINUTE)).toMatchObject([{ start: T + 10 * MINUTE }]);
});

it("offers at most ten at a time, and forgets what is too much", () => {
  const wanted = new WantedData();
  wanted.heard(answer(9n, stretch(9n, T, T + 10_000 * MINUTE)), T);
  let offered = 0;
  for (let due = wanted.take(Infinity); due.length > 0; due = wanted.take(Infinity)) {
    expect(due.length).toBeLessThanOrEqual(10);
    offered += due.length;
  }
  expect(offered).toBe(100);
});

it("offers current data from the moment on that it was told, until they are not wanted", () => {
  const wanted = new WantedData();
  expect(wanted.takeCurrent(T)).toBeUndefined();
  wanted.heard(answer(4n, { requestId: 4n, provideCurrentData: true }), T);
  expect(wanted.takeCurrent(T + MINUTE)).toEqual({ start: T, end: T + MINUTE });
  expect(wanted.takeCurrent(T + 30 * MINUTE)).toEqual({ start: T + 20 * MINUTE, end: T + 30 * MINUTE });
  wanted.stopCurrent();
  expect(wanted.takeCurrent(T + 40 * MINUTE)).toBeUndefined();
});

it("passes over dates that are none", () => {
  const wanted = new WantedData();
  wanted.heard(answer(3n, { requestId: 3n, startDate: "yesterday", endDate: "" }), T);
  expect(wanted.take(Infinity)).toEqual([]);
  expect(wanted.latest).toBe(3n);
});
