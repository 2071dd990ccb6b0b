import { expect } from "vitest";
import type { Native } from "../native.fixture.js";

const OF_NAMESPACE = "/v1/namespaces/{ns}";
const test = { ns: "test" };

/** Counts events, and gives a device a secret to sign with; each answer is held against the document. */
export async function countsAndSigns(native: Native): Promise<void> {
  const made = await native.call("post", `${OF_NAMESPACE}/devices`, test, { body: { name: "counted" } });
  const device = String(made.json["id"]);
  const body = { name: "pick", device, readings: [{ sensor: "0", values: [1] }] };
  await native.call("post", `${OF_NAMESPACE}/events`, test, { body });
  for (const by of ["", "&by=sensor", "&by=geocell&resolution=4"]) {
    const query = `?device=${device}&type=pick${by}`;
    const { status, json } = await native.call("get", `${OF_NAMESPACE}/rates`, test, { query });
    expect([status, json["rates"]]).toMatchObject([200, [{ events: 1, staticDevices: 1 }]]);
  }
  const path = `${OF_NAMESPACE}/devices/{device}/signing-secret`;
  for (const previousUntil of [undefined, expect.any(String)]) {
    const { status, json } = await native.call("post", path, { ...test, device }, {});
    expect([status, json["secret"], json["previousUntil"]]).toEqual([
      ...[201, expect.stringMatching(/^whsec_/), previousUntil],
    ]);
  }
}
