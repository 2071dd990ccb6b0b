import { expect } from "vitest";
import type { Chapter } from "../suite.js";

/** What 3.1.1 leaves to a server that does not permit something: section 3.3.5. */
export const permissionV4: Chapter = (clause) => {
  clause(
    { v4: "3.3.5-2" },
    "a publish that is not permitted is acknowledged or ends the connection, and is not delivered",
    async (t) => {
      const [device, watcher] = [await t.connect(t.target.device), await t.connect()];
      await watcher.subscribe(t.topic());
      device.send(t.p.publish({ topic: t.topic(), qos: 1, id: 3 }));
      const answer = await device.next().catch(() => undefined);
      if (answer) expect(answer).toMatchObject({ type: "puback", id: 3 });
      else expect(device.open).toBe(false);
      await watcher.quiet();
    },
  );
};
