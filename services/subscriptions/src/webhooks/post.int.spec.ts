import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { Addresses } from "./addresses.js";
import { Poster } from "./post.js";
import type { Resolve } from "./resolve.js";

const body = Buffer.from("{}");
const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

async function serve(answer: RequestListener): Promise<{ server: Server; port: number }> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { server, port: (server.address() as AddressInfo).port };
}

function poster(allowed: string, resolve?: Resolve, timeoutMs = 2_000): Poster {
  const made = new Poster({ addresses: new Addresses(allowed), timeoutMs, ...(resolve && { resolve }) });
  stops.push(() => made.close());
  return made;
}

describe("a name", () => {
  it("is looked up once, and the connection goes to what was found then", async () => {
    let requests = 0;
    const { port } = await serve((_, response) => {
      requests++;
      response.writeHead(204).end();
    });
    const answers = [["127.0.0.1"], ["10.0.0.1"]];
    let lookups = 0;
    const rebinding = poster("127.0.0.1", async () => answers[lookups++] ?? []);
    expect(await rebinding.post(`http://rebind.example:${port}/`, {}, body)).toEqual({ kind: "delivered" });
    expect([lookups, requests]).toEqual([1, 1]);
  });

  it("is refused where one of its addresses is, and nothing is sent", async () => {
    let requests = 0;
    const { port } = await serve(() => requests++);
    const resolve = async () => ["127.0.0.1", "10.0.0.1"];
    const posted = await poster("127.0.0.1", resolve).post(`http://two.example:${port}/?token=t`, {}, body);
    expect(posted).toMatchObject({
      kind: "failed",
      reason: "what two.example resolves to is not an address that webhooks may reach (private)",
    });
    expect(requests).toBe(0);
  });

  it("that cannot be looked up, or not soon, is a failure like any other", async () => {
    const absent = poster("", async () => {
      throw Object.assign(new Error("queryA ENOTFOUND absent.example"), { code: "ENOTFOUND" });
    });
    expect(await absent.post("https://absent.example/", {}, body)).toMatchObject({ reason: "ENOTFOUND" });
    const silent = poster("", () => new Promise(() => undefined), 200);
    expect(await silent.post("https://silent.example/", {}, body)).toMatchObject({
      reason: "no connection within 200 ms",
    });
  });
});

describe("an answer", () => {
  it("that never ends is not read to its end, and counts by its status", async () => {
    const { server, port } = await serve((_, response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024)));
      };
      response.on("drain", more);
      more();
    });
    const closed = new Promise((resolve) =>
      server.on("connection", (socket) => socket.on("close", () => resolve(socket.bytesWritten))),
    );
    const posted = await poster("127.0.0.1", undefined, 60_000).post(`http://127.0.0.1:${port}/`, {}, body);
    expect(posted).toEqual({ kind: "delivered" });
    expect(await closed).toBeLessThan(64 * 1024 * 1024);
  });

  it("that drips is read for no longer than a request may take", async () => {
    const { server, port } = await serve((_, response) => {
      response.writeHead(500);
      const drip = setInterval(() => response.write("."), 20);
      response.on("close", () => clearInterval(drip));
    });
    const closed = new Promise((resolve) => server.on("connection", (socket) => socket.on("close", resolve)));
    const posted = await poster("127.0.0.1", undefined, 300).post(`http://127.0.0.1:${port}/`, {}, body);
    expect(posted).toMatchObject({ kind: "failed", reason: "answered 500" });
    await closed;
  });

  it.each([
    [429, "17", 17],
    [503, "90", 90],
    [500, "90", 0],
    [503, "soon", 0],
  ])("%d with Retry-After: %s asks for %d seconds", async (status, header, retryAfterS) => {
    const { port } = await serve((_, response) => {
      response.writeHead(status, { "retry-after": header }).end();
    });
    const posted = await poster("127.0.0.1").post(`http://127.0.0.1:${port}/`, {}, body);
    expect(posted).toEqual({ kind: "failed", reason: `answered ${status}`, retryAfterS });
  });

  it("of one endpoint is not waited for by another webhook of the same host", async () => {
    const { port } = await serve((request, response) => {
      if (request.url === "/quick") response.writeHead(204).end();
    });
    const both = poster("127.0.0.1", undefined, 30_000);
    const hanging = Array.from({ length: 20 }, () => both.post(`http://127.0.0.1:${port}/hangs`, {}, body));
    expect(await both.post(`http://127.0.0.1:${port}/quick`, {}, body)).toEqual({ kind: "delivered" });
    await both.close();
    expect((await Promise.all(hanging)).every(({ kind }) => kind === "failed")).toBe(true);
  });
});
