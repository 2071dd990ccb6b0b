import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A way to Postgres whose connections can end there without a word to who has them. */
export async function openWay(url: string) {
  const to = new URL(url);
  const open = new Set<{ near: Socket; far: Socket }>();
  const server = createServer((near) => {
    const pair = { near, far: connect(Number(to.port), to.hostname) };
    open.add(pair);
    near.pipe(pair.far);
    pair.far.pipe(near);
    for (const socket of [near, pair.far]) socket.on("error", () => undefined);
    near.on("close", () => {
      open.delete(pair);
      pair.far.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const by = new URL(url);
  by.hostname = "127.0.0.1";
  by.port = String((server.address() as AddressInfo).port);
  return {
    url: by.href,
    /** Those that are open. */
    silence() {
      for (const { near, far } of open) {
        far.unpipe(near);
        near.unpipe(far);
        near.resume();
        far.destroy();
      }
    },
    close() {
      for (const { near } of open) near.destroy();
      server.close();
    },
  };
}
