import { setTimeout as sleep } from "node:timers/promises";
import { defaultCacheDir, type Mosquitto, obtainMosquitto } from "@fieldlog/servers";
import { beforeAll, expect, it } from "vitest";
import { type Running, start } from "./programs.js";
import { fresh, type World } from "./world.js";

/** `mosquitto_pub` and `mosquitto_sub` as they are; where this machine does not offer them the console says so. */
export function mosquittoClients(world: () => World): void {
  let programs: Mosquitto | undefined;
  beforeAll(async () => {
    programs = await obtainMosquitto({ cacheDir: defaultCacheDir(), progress: console.log });
  });

  const door = (tls = false) => {
    const { hostname, port } = new URL(tls ? world().doors.TLS : world().doors.TCP);
    return ["-h", hostname, "-p", port, ...(tls ? ["--cafile", world().caFile] : [])];
  };
  const login = ({ username, password } = world().writer) => ["-u", username, "-P", password];
  /**
   * Does something again and again until the reader has what it waits for: mosquitto_sub keeps back what it writes
   * to a pipe, so nobody can see when its subscription stands.
   */
  const untilEnded = async ({ ended }: Running, act: () => Promise<unknown>) => {
    for (let over = false; !over; ) {
      await act();
      over = await Promise.race([ended.then(() => true), sleep(300, false)]);
    }
    return ended;
  };
  const both = [
    ["3.1.1", "mqttv311"],
    ["5.0", "mqttv5"],
  ] as const;

  for (const [name, version] of both) {
    for (const qos of ["0", "1", "2"]) {
      it(`publish and subscribe with ${name} and QoS ${qos}`, async () => {
        if (!programs) return;
        const topic = fresh("mosquitto");
        const common = [...door(), ...login(), "-V", version, "-t", topic, "-q", qos];
        const { pub } = programs;
        const reader = start(programs.sub, [...common, "-C", "3"]);
        const { code, output } = await untilEnded(reader, async () => {
          const sent = await start(pub, [...common, "-l"], { input: "one\ntwo\nthree\n" }).ended;
          expect(sent.code, sent.output).toBe(0);
        });
        expect(code, output).toBe(0);
        expect(output.trim().split("\n").sort()).toEqual(["one", "three", "two"]);
      });
    }

    it(`use TLS with the local authority and ${name}`, async () => {
      if (!programs) return;
      const topic = fresh("tls");
      const common = [...door(true), ...login(), "-V", version, "-t", topic, "-q", "1"];
      const { pub } = programs;
      const reader = start(programs.sub, [...common, "-C", "1"]);
      const { output } = await untilEnded(reader, () => start(pub, [...common, "-m", "sealed"]).ended);
      expect(output).toContain("sealed");
    });

    it(`get a kept session's messages with ${name}`, async () => {
      if (!programs) return;
      const topic = fresh("kept");
      const session = ["-i", fresh("session"), "-c", ...(version === "mqttv5" ? ["-x", "300"] : [])];
      const common = [...door(), ...login(), "-V", version, "-t", topic, "-q", "1"];
      const first = await start(programs.sub, [...common, ...session, "-E"]).ended;
      expect(first.code, first.output).toBe(0);
      expect((await start(programs.pub, [...common, "-m", "waited"]).ended).code).toBe(0);
      const second = await start(programs.sub, [...common, ...session, "-C", "1"]).ended;
      expect(second.output).toContain("waited");
    });

    it(`find a retained message with ${name}`, async () => {
      if (!programs) return;
      const common = [...door(), ...login(), "-V", version, "-t", fresh("retained"), "-q", "1"];
      expect((await start(programs.pub, [...common, "-m", "kept", "-r"]).ended).code).toBe(0);
      const { output } = await start(programs.sub, [...common, "-C", "1", "-F", "%r %p"]).ended;
      expect(output).toContain("1 kept");
    });

    it(`are refused with a wrong password and ${name}`, async () => {
      if (!programs) return;
      const wrong = login({ username: world().writer.username, password: "wrong" });
      const args = [...door(), ...wrong, "-V", version, "-t", "x", "-m", "x"];
      const { code, output } = await start(programs.pub, args).ended;
      expect(code).not.toBe(0);
      expect(output).toMatch(/refused|not authori[sz]ed|bad user/i);
    });
  }

  it("see a will", async () => {
    if (!programs) return;
    const topic = fresh("will");
    const common = [...door(), ...login(), "-q", "1"];
    const { sub } = programs;
    const reader = start(sub, [...common, "-t", topic, "-C", "1"]);
    const will = ["--will-topic", topic, "--will-payload", "gone"];
    const { output } = await untilEnded(reader, async () => {
      const dying = start(sub, [...common, "-t", fresh("other"), ...will]);
      await sleep(700);
      dying.kill();
      await dying.ended;
    });
    expect(output).toContain("gone");
  });
}
