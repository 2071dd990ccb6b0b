import { randomInt } from "node:crypto";
import { limits, positionOf } from "@fieldlog/contracts";
import { type EventFilterInit, readArgument, readSubscribe, readText } from "./input.js";
import { type CredParts, DIALECT, note } from "./parts.js";
import type { Answer, CredRequest } from "./request.js";

/** B8. */
const SLOTS = 30;

/** POST /auth: every log-in is a new client (B4), with what it subscribes to and a session. */
export class LogIn {
  constructor(private readonly parts: CredParts) {}

  /** What breaks off halfway leaves a client without a session, which is in no list of those who are there. */
  async logIn(request: CredRequest): Promise<Answer> {
    const { access, activity, devices, auth } = this.parts;
    const { hash, key, namespace } = await access.apiKey(readArgument(request, "apikey"));
    const name = readText(readArgument(request, "device"), "device");
    const locationDescription = readText(readArgument(request, "location"), "location");
    const filters = readSubscribe(readArgument(request, "subscribe"));
    const { device } = await devices.registerDevice({
      ...{ namespace, dialect: DIALECT, sensors: [] },
      metadata: {
        ...(name === undefined ? {} : { name }),
        ...(locationDescription === undefined ? {} : { locationDescription }),
      },
    });
    if (device === undefined) throw new Error("devices made a device and did not say which");
    note(this.parts, namespace, device.sequence);
    const decidedBy = `key:${key.id}`;
    await this.subscribe({ namespace, owner: `device:${device.id}`, decidedBy }, filters);
    const session = await auth.startDeviceSession({ keyHash: hash, namespace, device: device.id });
    await activity.heard({ namespace, device: device.id });
    const position = positionOf(Number(session.sequence), 0);
    return {
      json: {
        id: Number(device.sequence),
        sessionKey: session.token,
        scheduled: this.scheduled(),
        PINGTimeout: this.parts.settings.credPingTimeoutS,
      },
      headers: ["set-cookie", `sessionKey=${session.token}`, "fieldlog-position", String(position)],
    };
  }

  /** As many subscriptions as its filters take. */
  private async subscribe(
    by: { namespace: string; owner: string; decidedBy: string },
    filters: readonly EventFilterInit[],
  ): Promise<void> {
    for (let at = 0; at < filters.length; at += limits.filtersPerSubscription) {
      const { sequence } = await this.parts.subscriptions.createSubscription({
        ...{ ...by, name: "", delivery: "poll" },
        filters: filters.slice(at, at + limits.filtersPerSubscription),
      });
      note(this.parts, by.namespace, sequence);
    }
  }

  private scheduled() {
    const { credScheduler, credSchedulerPeriodS } = this.parts.settings;
    if (credScheduler !== "true") return { assigned: false, slot: null, period: null };
    return { assigned: true, slot: randomInt(1, SLOTS + 1), period: credSchedulerPeriodS };
  }
}
