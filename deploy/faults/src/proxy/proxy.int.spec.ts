import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TcpProxy } from "./proxy.js";

let server: Server;
let proxy: TcpProxy;
/** What each connection to the server brought, in the order in which they came. */
let heard: string[];
const clients: Socket[] = [];

beforeEach(async () => {
  heard = [];
  server = createServer((socket) => {
    const nth = heard.push("") - 1;
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      heard[nth] += String(bytes);
      socket.write(`${bytes}!`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  proxy = await TcpProxy.listen(() => (server.address() as AddressInfo).port);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await proxy.close();
  await new Promise((resolve) => server.close(resolve));
});

async function open(): Promise<Socket> {
  const socket = connect(proxy.port, "127.0.0.1");
  clients.push(socket);
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

const closing = (socket: Socket) => new Promise((resolve) => socket.once("close", resolve));

async function answer(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [bytes] = await once(socket, "data");
  return String(bytes);
}

describe("the proxy", () => {
  it("passes what both say, and their ends", async () => {
    const socket = await open();
    expect(await answer(socket, "one")).toBe("one!");
    expect(await answer(socket, "two")).toBe("two!");
    const ended = closing(socket);
    socket.end();
    await ended;
    expect(heard).toEqual(["onetwo"]);
  });

  it("delays all, in order, also what came before the delay ended", async () => {
    const socket = await open();
    proxy.set({ delayMs: 100 });
    const begun = performance.now();
    socket.write("slow");
    proxy.set({ delayMs: 100 });
    const [bytes] = await once(socket, "data");
    expect(String(bytes)).toBe("slow!");
    expect(performance.now() - begun).toBeGreaterThanOrEqual(199);
    proxy.set({ delayMs: 0 });
    expect(await answer(socket, "quick")).toBe("quick!");
    expect(heard).toEqual(["slowquick"]);
  });

  it("cuts what is open, and refuses what is new while it is to", async () => {
    const socket = await open();
    await answer(socket, "one");
    proxy.set({ refuse: true });
    const closed = closing(socket);
    proxy.cut();
    await closed;
    // The reset may come before the client knows that it is connected.
    await open().then(closing, () => undefined);
    proxy.set({ refuse: false });
    expect(await answer(await open(), "two")).toBe("two!");
    expect(heard).toEqual(["one", "two"]);
  });

  it("lets requests pass and swallows the answers", async () => {
    const socket = await open();
    proxy.set({ swallow: true });
    const answers: string[] = [];
    socket.on("data", (bytes) => answers.push(String(bytes)));
    socket.write("unheard");
    while (heard[0] !== "unheard") await new Promise((resolve) => setTimeout(resolve, 5));
    const closed = closing(socket);
    proxy.cut();
    await closed;
    expect(answers).toEqual([]);
  });

  it("repeats on another connection what a client sent", async () => {
    proxy.set({ duplicate: true });
    const socket = await open();
    expect(await answer(socket, "again")).toBe("again!");
    socket.end();
    while (heard[1] !== "again") await new Promise((resolve) => setTimeout(resolve, 5));
    expect(heard).toEqual(["again", "again"]);
  });
});
