import { OwnWrites } from "@fieldlog/admission";
import { RpcError } from "@fieldlog/rpc";
import { describe, expect, it } from "vitest";
import { Networks } from "./networks.js";
import type { TentaParts } from "./parts.js";

/** A network whose neighbours do what they are told, and note what they were asked. */
function networksWith(fail: readonly string[]) {
  const asked: string[] = [];
  const does = (name: string, answer: object) => async () => {
    asked.push(name);
    if (fail.includes(name)) throw new RpcError("unavailable", name);
    return answer;
  };
  const warnings: unknown[] = [];
  const parts = {
    access: {
      inNetwork: async () => ({ user: { userId: "u" }, network: { id: "n" } }),
      atSensor: async () => ({ user: { userId: "u" }, network: { id: "n" }, sensor: { id: "s" } }),
    },
    known: { registered: { invalidate: () => undefined } },
    ownWrites: new OwnWrites(),
    logger: { warn: (...said: unknown[]) => warnings.push(said) },
    devices: {
      createDevice: does("create", { device: { id: "s", sequence: 1n } }),
      removeDevice: does("remove", { sequence: 3n }),
    },
    auth: {
      issueDeviceCredential: does("issue", { secret: "s3cret", sequence: 2n }),
      revokeDeviceCredentials: does("revoke", { sequence: 2n }),
    },
    // Only these are asked for.
  } as unknown as TentaParts;
  return { networks: new Networks(parts), asked, warnings };
}

const request = (body: string) => ({
  ...{ who: "owner" as const, params: {}, query: new Map(), authorization: "", address: "", host: "" },
  body: new TextEncoder().encode(body),
});
const create = request('{"sensor_name":"roof"}');

describe("creating a sensor", () => {
  it("answers with its password", async () => {
    const { networks, asked } = networksWith([]);
    expect(await networks.createSensor(create)).toEqual({
      json: { sensor_identifier: "s", sensor_secret: "s3cret" },
      sequence: 2n,
    });
    expect(asked).toEqual(["create", "issue"]);
  });

  it("without a password takes the sensor back, so that the same can be asked again", async () => {
    const { networks, asked } = networksWith(["issue"]);
    await expect(networks.createSensor(create)).rejects.toThrow("issue");
    expect(asked).toEqual(["create", "issue", "remove"]);
  });

  it("says in the log what it could not take back, and answers with what went wrong first", async () => {
    const { networks, warnings } = networksWith(["issue", "remove"]);
    await expect(networks.createSensor(create)).rejects.toThrow("issue");
    expect(warnings).toHaveLength(1);
  });
});

describe("removing a sensor", () => {
  it("ends its password first, and can be asked again if the rest fails", async () => {
    const { networks, asked } = networksWith(["remove"]);
    await expect(networks.removeSensor(request(""))).rejects.toThrow("remove");
    expect(asked).toEqual(["revoke", "remove"]);
    const other = networksWith(["revoke"]);
    await expect(other.networks.removeSensor(request(""))).rejects.toThrow("revoke");
    expect(other.asked).toEqual(["revoke"]);
  });
});
