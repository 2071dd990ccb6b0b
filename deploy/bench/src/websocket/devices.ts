import { setTimeout as sleep } from "node:timers/promises";
import { Tally } from "../load/tally.js";
import { Device } from "./device.js";
import { post } from "./http-call.js";
import { type DevicesOrder, type DevicesReport, deviceName, NAMESPACE } from "./orders.js";

type Connect = Extract<DevicesOrder, { kind: "connect" }>;
type Sample = Extract<DevicesOrder, { kind: "sample" }>;

/** Devices that are being let in at once. */
const AT_ONCE = 32;
const TICK_MS = 1;
const DRAIN_MS = 5_000;

/** Devices of one edge, and who asks them to sample. */
export class Devices {
  private readonly devices: Device[] = [];
  private readonly waiting = new Map<string, number>();
  private tally = new Tally(0, 0);
  private pictures = 0;
  private asked = 0;
  private failures: Record<string, number> = {};

  /** One order at a time. Raises Error when a device is not let in. */
  async obey(order: DevicesOrder): Promise<DevicesReport> {
    this.tally = new Tally(0, 0);
    if (order.kind === "connect") await this.connect(order);
    else if (order.kind === "sample") await this.sample(order);
    else for (const device of this.devices.splice(0)) device.close();
    const { acknowledged: sampled, failures, p50Ms, p99Ms, maxMs } = this.tally.report(0);
    const { pictures } = this;
    const report = { connected: this.devices.length, sampled, p50Ms, p99Ms, maxMs, pictures };
    const all = { ...this.failures, ...failures };
    this.failures = {};
    return { ...report, failures: all };
  }

  private async connect({ to, key, count }: Connect): Promise<void> {
    const first = this.devices.length;
    const numbers = Array.from({ length: count }, (_, index) => first + index).values();
    const worker = async () => {
      for (const number of numbers) {
        const device = await Device.open(to, key, deviceName(number), {
          onSample: (label) => this.told(label),
          onPicture: () => {
            this.pictures++;
          },
          onBroken: (reason) => this.failed(reason),
        });
        this.devices[number] = device;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  private async sample({ http, key, perSecond, warmUpMs, measureMs }: Sample): Promise<void> {
    const begun = performance.now();
    const from = begun + warmUpMs;
    const until = from + measureMs;
    this.tally = new Tally(from, until);
    const requests: Promise<unknown>[] = [];
    for (let number = 0; ; number++) {
      const due = begun + (number * 1_000) / perSecond;
      if (due >= until) break;
      while (performance.now() < due) await sleep(TICK_MS);
      requests.push(this.ask(http, key, due));
    }
    await Promise.all(requests);
    const deadline = performance.now() + DRAIN_MS;
    while (this.waiting.size > 0 && performance.now() < deadline) await sleep(TICK_MS);
    if (this.waiting.size > 0) this.failures["a device was not told"] = this.waiting.size;
    this.waiting.clear();
  }

  private async ask(http: Sample["http"], key: string, due: number): Promise<void> {
    const number = this.asked++;
    const label = `n${number}`;
    this.waiting.set(label, due);
    const device = deviceName(number % this.devices.length);
    const wanted = { label, sensor: "Accelerometer", lengthMs: 100, intervalMs: 10, category: "training" };
    const path = `/v1/namespaces/${NAMESPACE}/devices/${device}/samples`;
    await post(http, key, path, wanted).catch((error: Error) => this.failed(error.message));
  }

  private told(label: string): void {
    const due = this.waiting.get(label);
    if (due === undefined) {
      this.failed("told what was not asked");
      return;
    }
    this.waiting.delete(label);
    this.tally.took(due, performance.now());
  }

  private failed(reason: string): void {
    this.failures[reason] = (this.failures[reason] ?? 0) + 1;
  }
}
