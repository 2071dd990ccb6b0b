import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startEdge } from "../edge.fixture.js";
import { bytes, dateOf, fieldsOf, heartbeat, len, num, pick, signature } from "./hand.fixture.js";
import { post, register, sign, signalsOf, startWorld, status, type World } from "./world.fixture.js";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

describe("replay protection", () => {
  it("answers the very same message again as success, and keeps it once", async () => {
    const client = await register(world.edge);
    const path = `/api/v1/test/event/${client.id}`;
    const message = pick(sign(client));
    const answers = await Promise.all([
      post(world.edge, path, message),
      post(world.edge, path, message),
      post(world.edge, path, message),
    ]);
    answers.push(await post(world.edge, path, message));
    expect(answers.map(({ status, csn }) => [status, csn.type])).toEqual(
      Array(4).fill([200, status.success]),
    );
    expect(await signalsOf(world, client)).toHaveLength(1);
  });

  it("refuses another message under an id that was used", async () => {
    const client = await register(world.edge);
    const signing = sign(client);
    await post(world.edge, `/api/v1/test/event/${client.id}`, pick(signing));
    for (const message of [
      pick(signing, { readings: [9] }),
      pick({ ...signing, date: dateOf(Date.now() + 1) }),
    ]) {
      const answer = await post(world.edge, `/api/v1/test/event/${client.id}`, message);
      expect([answer.status, answer.csn.type]).toEqual([400, status.invalidRequest]);
      expect(answer.csn.message).toMatch(/was used/);
    }
    const lifted = await post(world.edge, `/api/v1/test/heartbeat/${client.id}`, heartbeat(signing));
    expect(lifted.csn.type).toBe(status.invalidRequest);
    expect(await signalsOf(world, client)).toHaveLength(1);
  });

  it("holds over two edges side by side, for every kind of signed message", async () => {
    const client = await register(world.edge);
    const event = { signing: sign(client), path: `/api/v1/test/event/${client.id}` };
    const update = { signing: sign(client), path: `/api/v1/test/client/update/${client.id}` };
    const asking = { signing: sign(client), path: `/api/v1/test/client/metadata/${client.id}` };
    const added = bytes(signature(update.signing), len(3, num(2, 2)));
    const first = await post(world.edge, event.path, pick(event.signing));
    const firstUpdate = await post(world.edge, update.path, added);
    await post(world.edge, asking.path, bytes(signature(asking.signing)));
    // To ask whether the other edge knows them would use others up.
    await new Promise((resolve) => setTimeout(resolve, 2_000));

    const again = await post(world.other, event.path, pick(event.signing));
    expect([first.status, again.status]).toEqual([200, 200]);
    const changed = await post(world.other, event.path, pick(event.signing, { readings: [9] }));
    expect(changed.csn.type).toBe(status.invalidRequest);

    const updatedAgain = await post(world.other, update.path, added);
    expect(updatedAgain.csn).toEqual({ type: status.success, message: "" });
    expect(fieldsOf(updatedAgain.body).slice(1)).toEqual(fieldsOf(firstUpdate.body).slice(1));
    for (const { signing } of [update, asking]) {
      const lifted = await post(world.other, event.path, pick(signing));
      expect(lifted.csn.type).toBe(status.invalidRequest);
    }
    const events = (await signalsOf(world, client)).filter(({ body }) => body.case === "event");
    expect(events).toHaveLength(1);
    expect(world.neighbours.devices.get(`test/${client.id}`)?.sensors).toHaveLength(2);
  });

  it("survives a restart of the edge", async () => {
    const client = await register(world.edge);
    const signing = sign(client);
    await post(world.edge, `/api/v1/test/event/${client.id}`, pick(signing));
    const fresh = await startEdge(world.servers.nats.url, world.neighbours);
    try {
      for (;;) {
        const { checks } = (await (await fetch(`${fresh.url}/readyz`)).json()) as {
          checks: Record<string, string>;
        };
        if (checks["replay protection"] === "ok") break;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const answer = await post(fresh, `/api/v1/test/event/${client.id}`, pick(signing, { readings: [9] }));
      expect(answer.csn.message).toMatch(/was used/);
    } finally {
      await fresh.stop();
    }
  });
});
