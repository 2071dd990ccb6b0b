import { SIGNALS, signalsSubject } from "@fieldlog/contracts";
import { decodeBatch, type EventLog } from "@fieldlog/event-log";

/** What the log tells of a namespace's devices, as it comes. */
export class Told {
  active = 0;
  inactive = 0;
  /** Milliseconds from each moment until the log had it, of those who became inactive. */
  readonly delays: number[] = [];
  private readonly ending = new AbortController();
  private readonly reading: Promise<void>;

  constructor(log: EventLog, namespace: string) {
    this.reading = this.read(log, namespace);
  }

  async stop(): Promise<void> {
    this.ending.abort();
    await this.reading;
  }

  private async read(log: EventLog, namespace: string): Promise<void> {
    const { signal } = this.ending;
    for await (const commits of log.read(SIGNALS, { after: 0, subject: signalsSubject(namespace), signal })) {
      for (const { data, time } of commits) {
        for (const { body, occurredAt } of decodeBatch(data)) {
          if (body.case !== "event" || body.value.issuer !== "liveness") continue;
          if (body.value.name === "DeviceBecameActive") this.active++;
          else {
            this.inactive++;
            this.delays.push(time.getTime() - Number(occurredAt));
          }
        }
      }
    }
  }
}
