import { expect, it } from "vitest";
import { defaultCacheDir } from "../cache-dir.js";
import { run } from "../process/run.js";
import { obtainCredClient } from "./obtain.js";

it("gives a Python that has cred-client, or says why there is none", async () => {
  const told: string[] = [];
  const client = await obtainCredClient({ cacheDir: defaultCacheDir(), progress: (line) => told.push(line) });
  if (!client) return expect(told.at(-1)).toContain("no cred-client on this machine");
  const script = "from cred.client import ClientBase; print(ClientBase('h', 'k', 'd', 'l', {}).hostname)";
  expect((await run(client.python, ["-c", script], { env: client.env })).trim()).toBe("h");
}, 180_000);
