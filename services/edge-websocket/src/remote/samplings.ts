import { fromBinary } from "@bufbuild/protobuf";
import { deviceKey, type Known, LoadsExceeded } from "@fieldlog/admission";
import { type AggregateId, limits, registry, type sampling } from "@fieldlog/contracts";
import type { Commit } from "@fieldlog/event-log";
import { Slots } from "@fieldlog/fan-out";
import { type RpcClient, RpcError } from "@fieldlog/rpc";
import type { Logger } from "@fieldlog/runtime";
import { Calls } from "./calls.js";
import type { Message } from "./codec.js";
import type { DeviceFeature, DeviceSession } from "./feature.js";
import { NOTICES, type Notice, readNotice } from "./notices.js";
import { NoRoom, sampleFrame } from "./sample-frame.js";

export interface SamplingsParts {
  readonly sampling: Pick<
    RpcClient<typeof sampling.SamplingService>,
    "reportStep" | "connected" | "disconnected"
  >;
  readonly known: Pick<Known, "hmacKeys">;
  readonly logger: Pick<Logger, "warn">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/** Milliseconds between two percentages that are passed on. */
const PERCENT_MS = 500;
/** Comings and goings that the service is told of at once: all devices come again when an edge was restarted. */
const TELLING = 64;

/** Brings what was decided on samplings to the devices that are connected here, and tells what these say of it. */
export class Samplings {
  /** By {@link deviceKey}: of a device, the newest connection. */
  private readonly sampled = new Map<string, Sampled>();
  private readonly ending = new Set<Promise<void>>();
  private readonly telling = new Slots(TELLING);

  constructor(private readonly parts: SamplingsParts) {}

  /** For each device that is let in. */
  readonly feature = (session: DeviceSession): DeviceFeature => {
    const key = deviceKey(session.namespace, session.device);
    const sampled = new Sampled(this.parts, this.telling, session, (ended) => {
      if (this.sampled.get(key) === sampled) this.sampled.delete(key);
      this.ending.add(ended);
      void ended.then(() => this.ending.delete(ended));
    });
    this.sampled.set(key, sampled);
    return sampled;
  };

  /** Of each decision, as it is heard. */
  decided({ namespace, kind, id }: AggregateId, { data }: Pick<Commit, "data">): void {
    const sampled = kind === "sampling" ? this.sampled.get(deviceKey(namespace, id)) : undefined;
    if (sampled === undefined) return;
    const { events, decidedAt } = fromBinary(registry.DecisionSchema, data);
    for (const { event } of events) {
      if (event.case === "samplingSent") sampled.sent(event.value, Number(decidedAt));
    }
  }

  /** Those that have gone are told of. */
  async idle(): Promise<void> {
    await Promise.all(this.ending);
  }
}

class Sampled implements DeviceFeature {
  readonly keys = NOTICES;
  private readonly calls: Calls;
  /** The step that was passed on last. */
  private step = "";
  private percentAt = 0;

  constructor(
    private readonly parts: SamplingsParts,
    private readonly telling: Slots,
    private readonly session: DeviceSession,
    private readonly onClosed: (ended: Promise<void>) => void,
  ) {
    this.calls = new Calls(parts.logger, session);
    this.tell("connected");
  }

  /** It is this one's turn. A decision that is as old as the time for its first sign has timed out. */
  sent({ connection, asked }: registry.SamplingSent, decidedAt: number): void {
    const { session, parts } = this;
    if (connection !== session.connection || asked === undefined) return;
    if (parts.now() - decidedAt > limits.samplingAnswerMs) return;
    this.step = "";
    const key = parts.known.hmacKeys.peek(session.namespace)?.[0]?.key;
    if (key === undefined) void this.sendWithKey(asked);
    else this.send(asked, key);
  }

  /** A message of {@link NOTICES}. */
  received(message: Message): void {
    const { now } = this.parts;
    const notice = readNotice(message, this.session.hello.version);
    if (notice === undefined) return;
    const { step } = notice;
    // The same again says nothing new, unless it is how far it is.
    if (step === this.step && (step !== "reading" || now() - this.percentAt < PERCENT_MS)) return;
    this.step = step;
    if (step === "reading") this.percentAt = now();
    this.report(notice);
  }

  closed(): void {
    this.tell("disconnected");
    this.onClosed(this.calls.idle());
  }

  private tell(what: "connected" | "disconnected"): void {
    const { namespace, device, connection } = this.session;
    this.calls.make(async () => {
      const release = await this.telling.acquire();
      await this.parts.sampling[what]({ namespace, device, connection }).finally(release);
    });
  }

  private async sendWithKey(asked: registry.SamplingRequested): Promise<void> {
    try {
      const keys = await this.parts.known.hmacKeys.get(this.session.namespace);
      this.send(asked, keys?.[0]?.key ?? "");
    } catch (error) {
      if (!(error instanceof RpcError || error instanceof LoadsExceeded)) throw error;
      this.report({ step: "refused", error: "the key for the device's signature cannot be had now" });
    }
  }

  private send(asked: registry.SamplingRequested, hmacKey: string): void {
    const { session } = this;
    try {
      session.sendEncoded(sampleFrame(asked, hmacKey, session.encoding, session.hello));
    } catch (error) {
      if (!(error instanceof NoRoom)) throw error;
      this.report({ step: "refused", error: error.message });
    }
  }

  private report({ step, percent, error = "" }: Notice): void {
    const { namespace, device, connection } = this.session;
    const told = {
      namespace,
      device,
      connection,
      step,
      error,
      ...(percent === undefined ? {} : { percent }),
    };
    this.calls.make(() => this.parts.sampling.reportStep(told));
  }
}
