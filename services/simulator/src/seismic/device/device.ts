import { fromBinary } from "@bufbuild/protobuf";
import { saf } from "@fieldlog/contracts";
import type { Pick } from "../network/replay.js";
import type { Station } from "../network/stations.js";
import {
  createMessage,
  type HeartbeatStatus,
  heartbeatMessage,
  type Identity,
  offerMessage,
  pickMessage,
  registered,
  type Stamp,
} from "./csn-messages.js";
import { RateWindow } from "./rate-window.js";
import { Recorder } from "./recorder.js";
import type { Registrations } from "./registrations.js";
import type { Outcome, Sender } from "./sender.js";
import { type Stretch, WantedData } from "./wanted-data.js";

/** Messages that a device keeps while the server does not answer; beyond it the newest are dropped. */
const OUTBOX = 100;

/** A heartbeat is not worth long repetition: the next one says the same. */
const HEARTBEAT_PATIENCE_MS = 20_000;
const QUIT_PATIENCE_MS = 1_000;

/** Told of each message's end. */
export type Report = (what: Message, outcome: Outcome | { kind: "dropped" }) => void;
export type Message = "pick" | "heartbeat" | "offer" | "upload";

/**
 * One simulated station: registers itself once, and sends its picks and heartbeats one after the other, so
 * that its message ids reach the server in order.
 */
export class Device {
  readonly station: Station;
  readonly #sender: Sender;
  readonly #registrations: Registrations;
  readonly #report: Report;
  readonly #now: () => number;
  readonly #rates: RateWindow;
  readonly #wanted = new WantedData();
  readonly #recorder: Recorder;
  #outbox: Promise<unknown> = Promise.resolve();
  #queued = 0;

  constructor(options: {
    station: Station;
    sender: Sender;
    registrations: Registrations;
    report: Report;
    now?: () => number;
  }) {
    this.station = options.station;
    this.#sender = options.sender;
    this.#registrations = options.registrations;
    this.#report = options.report;
    this.#now = options.now ?? Date.now;
    this.#rates = new RateWindow(this.#now());
    this.#recorder = new Recorder(Number(this.station.name.replace(/\D/g, "")));
  }

  /** The id that the server gave it; undefined before it is registered. */
  get id(): string | undefined {
    return this.#registrations.get(this.station.name)?.clientId;
  }

  /** Registers the station unless an earlier run did. The outcome is the server's answer. */
  async register(): Promise<Outcome | { kind: "known" }> {
    if (this.id !== undefined) return { kind: "known" };
    const outcome = await this.#sender.deliver("client/create", createMessage(this.station));
    if (outcome.kind !== "accepted") return outcome;
    const identity = registered(outcome.body);
    if (!identity) {
      const type = saf.StatusMessage_StatusType.UNKNOWN_ERROR;
      return { kind: "refused", type, reason: "the answer to the registration lacks an id" };
    }
    this.#registrations.set(this.station.name, identity);
    return outcome;
  }

  /** Reports a pick that happened just now. Resolves when its end is known. */
  pick(pick: Pick): Promise<void> {
    const rate = this.#rates.at(this.#now());
    this.#rates.add(pick.time);
    this.#recorder.add(pick);
    return this.#queue("pick", (identity, stamp) => {
      const body = pickMessage(identity, stamp, { ...this.station, ...pick, rate });
      return this.#sender.deliver(`event/${identity.clientId}`, body);
    });
  }

  /**
   * Says that the station is alive, and gives the server the data that it has asked for. Resolves when the end of all
   * that is known.
   */
  async heartbeat(status: HeartbeatStatus): Promise<void> {
    const uploads: (() => Promise<void>)[] = [];
    await this.#queue("heartbeat", async (identity, stamp) => {
      const current = status === "quit" ? undefined : this.#wanted.takeCurrent(stamp.sentAt);
      const data = { latestRequest: this.#wanted.latest, current };
      const body = heartbeatMessage(identity, stamp, status, this.#rates.at(stamp.sentAt), data);
      const patience = status === "quit" ? QUIT_PATIENCE_MS : HEARTBEAT_PATIENCE_MS;
      const outcome = await this.#sender.deliver(`heartbeat/${identity.clientId}`, body, patience);
      if (outcome.kind !== "accepted") return outcome;
      const answer = fromBinary(saf.HeartbeatResponseSchema, outcome.body);
      const [url = ""] = answer.currentDataUploadUrls;
      if (current && url === "") this.#wanted.stopCurrent();
      else if (current) uploads.push(() => this.#upload(url, current));
      this.#wanted.heard(answer, stamp.sentAt);
      return outcome;
    });
    for (const upload of uploads) await upload();
    if (status !== "quit") await this.#offer();
  }

  /** Offers what was asked for and has been recorded by now, and uploads what of it is wanted. */
  async #offer(): Promise<void> {
    const stretches = this.#wanted.take(this.#now());
    if (stretches.length === 0) return;
    let urls: readonly string[] | undefined;
    await this.#queue("offer", async (identity, stamp) => {
      const body = offerMessage(identity, stamp, stretches);
      const outcome = await this.#sender.deliver(`data/offer/${identity.clientId}`, body);
      if (outcome.kind === "accepted") {
        urls = fromBinary(saf.SensorReadingOfferResponseSchema, outcome.body).dataUploadUrls;
      }
      return outcome;
    });
    if (urls === undefined) this.#wanted.giveBack(stretches);
    for (const [index, url] of urls?.entries() ?? []) {
      const stretch = stretches[index];
      if (url !== "" && stretch) await this.#upload(url, stretch);
    }
  }

  async #upload(url: string, { start, end }: Stretch): Promise<void> {
    this.#report("upload", await this.#sender.upload(url, this.#recorder.record(start, end)));
  }

  #queue(what: Message, send: (identity: Identity, stamp: Stamp) => Promise<Outcome>): Promise<void> {
    if (this.#queued >= OUTBOX) {
      this.#report(what, { kind: "dropped" });
      return Promise.resolve();
    }
    this.#queued++;
    const end = this.#outbox.then(async () => {
      const outcome = await this.#sendRegistered(send);
      this.#queued--;
      this.#report(what, outcome);
    });
    this.#outbox = end.catch(() => undefined);
    return end;
  }

  /** A server that lost its data does not know the station any more: it registers again, once. */
  async #sendRegistered(send: (identity: Identity, stamp: Stamp) => Promise<Outcome>): Promise<Outcome> {
    const outcome = await this.#sendSigned(send);
    if (outcome.kind !== "refused" || outcome.type !== saf.StatusMessage_StatusType.UNKNOWN_CLIENT)
      return outcome;
    this.#registrations.remove(this.station.name);
    const again = await this.register();
    if (again.kind !== "accepted") return outcome;
    await this.#registrations.save();
    return this.#sendSigned(send);
  }

  async #sendSigned(send: (identity: Identity, stamp: Stamp) => Promise<Outcome>): Promise<Outcome> {
    const { name } = this.station;
    const identity = this.#registrations.get(name);
    if (!identity) return { kind: "unanswered", reason: "not registered" };
    const messageId = await this.#registrations.nextMessageId(name);
    return send(identity, { messageId, sentAt: this.#now() });
  }
}
