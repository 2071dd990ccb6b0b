import { pbkdf2Sync, randomBytes } from "node:crypto";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Mosquitto } from "@fieldlog/servers";
import type { Differences, Target } from "./suite.js";

/** A Mosquitto broker with a writer of everything and a device that is confined to its prefix. */
export async function startMosquitto(mosquitto: Mosquitto): Promise<Target> {
  const dataDir = await mkdtemp(join(tmpdir(), "fieldlog-mosquitto-"));
  await chmod(dataDir, 0o700);
  const writer = { username: "writer", password: randomBytes(16).toString("hex") };
  const device = { username: "device", password: randomBytes(16).toString("hex") };
  const file = async (name: string, lines: readonly string[]) => {
    await writeFile(join(dataDir, name), `${lines.join("\n")}\n`, { mode: 0o600 });
    return join(dataDir, name);
  };
  const passwords = await file("passwords", [writer, device].map(passwordLine));
  const rights = await file("rights", [
    "user writer",
    "topic readwrite #",
    "user device",
    "topic readwrite device/#",
  ]);
  const broker = await mosquitto.broker({
    dataDir,
    config: [
      "allow_anonymous false",
      `password_file ${passwords}`,
      `acl_file ${rights}`,
      "max_queued_messages 100000",
    ],
  });
  return {
    host: "127.0.0.1",
    port: broker.port,
    writer,
    device: { ...device, prefix: "device" },
    stop: async () => {
      await broker.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** As mosquitto_passwd(1) writes it: PBKDF2 with SHA-512. */
function passwordLine({ username, password }: { username: string; password: string }): string {
  const [rounds, salt] = [101, randomBytes(12)];
  const hash = pbkdf2Sync(password, salt, rounds, 64, "sha512");
  return `${username}:$7$${rounds}$${salt.toString("base64")}$${hash.toString("base64")}`;
}

/** Where Mosquitto 2.0 does otherwise, and why that does not speak against the test. */
export const MOSQUITTO_DIFFERENCES: Differences = {};
