import { fromBinary } from "@bufbuild/protobuf";
import { saf } from "@fieldlog/contracts";
import { csnDate, signature } from "@fieldlog/simulator";
import { expect, it } from "vitest";
import { type RequestList, RequestMaker } from "./requests.js";

const devices = Array.from({ length: 6 }, (_, index) => ({
  clientId: String(6572938060890000 + index),
  secret: `secret ${index}`,
  sensorId: "0",
}));
const now = Date.UTC(2026, 0, 2, 3, 4, 5, 6);

function read(request: Buffer) {
  const [head = "", body] = [
    request.toString("latin1").split("\r\n\r\n")[0],
    request.subarray(request.indexOf("\r\n\r\n") + 4),
  ];
  const device = /^POST \/api\/v1\/default\/event\/(\d+) HTTP\/1\.1\r\n/.exec(head)?.[1] ?? "";
  expect(Number(/Content-Length: (\d+)$/.exec(head)?.[1])).toBe(body.length);
  return { device, message: fromBinary(saf.EventMessageSchema, body) };
}

function all(list: RequestList) {
  const requests: ReturnType<typeof read>[] = [];
  for (let request = list.take(); request; request = list.take()) requests.push(read(request));
  return requests;
}

it("signs each request for its device, with a message id of its own", () => {
  const maker = new RequestMaker(devices, "default");
  const requests = [...maker.make(2, 20, now), ...maker.make(2, 20, now)].flatMap(all);
  expect(requests).toHaveLength(40);
  const seen = new Set<string>();
  for (const { device, message } of requests) {
    const { date, messageId, signature: signed } = message.clientSignature ?? { date: "", messageId: -1 };
    const secret = devices.find(({ clientId }) => clientId === device)?.secret ?? "";
    expect(date).toBe(csnDate(now));
    expect(signed).toBe(signature(date, messageId, secret));
    seen.add(`${device}/${messageId}`);
  }
  expect(seen.size).toBe(40);
});

it("keeps a device on one connection, its message ids rising", () => {
  const lists = new RequestMaker(devices, "default").make(4, 40, now).map(all);
  const connectionOf = new Map<string, number>();
  for (const [connection, requests] of lists.entries()) {
    const last = new Map<string, number>();
    for (const { device, message } of requests) {
      expect(connectionOf.get(device) ?? connection).toBe(connection);
      connectionOf.set(device, connection);
      const id = message.clientSignature?.messageId ?? -1;
      expect(id).toBeGreaterThan(last.get(device) ?? -1);
      last.set(device, id);
    }
  }
});

it("shares the devices among more connections than there are devices", () => {
  const lists = new RequestMaker(devices, "default").make(15, 15, now).map(all);
  expect(lists.map((requests) => requests.length)).toEqual(Array(15).fill(1));
  expect(
    new Set(lists.flat().map(({ device, message }) => `${device}/${message.clientSignature?.messageId}`))
      .size,
  ).toBe(15);
});

it("begins again only when it is asked to", () => {
  const [list] = new RequestMaker(devices, "default").make(1, 2, now) as [RequestList];
  const first = list.take();
  list.take();
  expect(list.take()).toBeUndefined();
  expect(list.take(true)).toEqual(first);
  list.rewind();
  expect(list.take()).toEqual(first);
});
