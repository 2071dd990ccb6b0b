import { expect, it } from "vitest";
import { problem, staged } from "../staged.fixture.js";

it("a message goes to a device as it is, with its properties", async () => {
  const program = staged([{ status: 202, body: { id: "m-1", position: 4096 } }]);
  expect(await program.run("devices send hut-1 {rate: --property unit=C --property note=a&b")).toBe(0);
  const [asked] = program.asked;
  expect(asked).toMatchObject({ method: "POST", body: "{rate:" });
  expect(asked?.url).toMatch(/\/default\/devices\/hut-1\/messages\?property=unit%3DC&property=note%3Da%26b$/);
  expect(program.said.out).toBe("Sent message m-1 to device hut-1.\n");
  expect(await program.run("devices send hut-1 x --property none")).toBe(2);
});

it("a device is called, and its answer shown", async () => {
  const program = staged([
    { body: { status: 200, payload: { done: "\u001b[2J" } } },
    { body: { status: 404, payload: null } },
    problem(504, { detail: "The device was asked, and did not answer." }),
  ]);
  expect(await program.run('devices call hut-1 blink {"times":3} --namespace roofs --timeout 5')).toBe(0);
  expect(program.said.out).toBe('200 {"done":"\\u001b[2J"}\n');
  expect(program.asked[0]).toMatchObject({ body: '{"times":3}' });
  expect(program.asked[0]?.url).toMatch(/\/roofs\/devices\/hut-1\/methods\/blink\?timeoutMs=5000$/);
  expect(await program.run("devices call hut-1 blink --json")).toBe(0);
  expect(program.asked[1]?.body).toBe("null");
  expect(await program.run("devices call hut-1 blink")).toBe(1);
  expect(program.said.err).toContain("did not answer");
  for (const wrong of ["blink {", "blink --timeout 0", "blink --timeout 26"])
    expect(await program.run(`devices call hut-1 ${wrong}`)).toBe(2);
});
