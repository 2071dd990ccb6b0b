import { ClientClosed, InvalidOption } from "./errors.js";
import { Consumers } from "./link/consumers.js";
import { Link } from "./link/link.js";
import { type MethodHandler, Methods } from "./link/methods.js";
import { offer } from "./link/offers.js";
import { Receiver } from "./link/receiver.js";
import { deviceBoundBag, isFilter, matches } from "./link/topics.js";
import { upload } from "./link/uploads.js";
import { Waiters } from "./link/waiters.js";
import { type CheckedOptions, checkOptions, type StartOptions } from "./options.js";
import { checkProperties } from "./properties/check.js";
import { applied, type Properties } from "./properties/merge-patch.js";
import { Twin, type Versioned } from "./properties/twin.js";
import { ProvisioningApi } from "./provisioning/api.js";
import type { Connection } from "./provisioning/connection-string.js";
import { Https } from "./provisioning/https.js";
import { Registration } from "./provisioning/registration.js";
import { REMOTE_ACCESS, RemoteAccess } from "./remote/remote-access.js";
import type { Outgoing } from "./store/outbox.js";
import type { RefusedMessage } from "./store/refused.js";
import { Store } from "./store/store.js";
import { decodeBag } from "./streams/bag.js";
import { Lane } from "./streams/lane.js";
import { StreamSender, type StreamSenderOptions } from "./streams/stream-sender.js";
import {
  acknowledgmentMessage,
  type DeviceEvent,
  eventMessage,
  type LogEntry,
  logsMessage,
  type Measurement,
  measurementsMessage,
  type Offer,
  offerMessage,
} from "./telling/messages.js";

/** A message that the platform sent. */
export interface ReceivedMessage {
  readonly topic: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly payload: Uint8Array;
}

/** Deals with a message. The message is kept until that resolves; if it rejects it is called again, later. */
export type MessageHandler = (message: ReceivedMessage) => void | Promise<void>;

/** A revision of the device's configuration, as a user wrote it. */
export interface Configuration {
  readonly revision: number;
  readonly configuration: unknown;
}

const HTTP_TIMEOUT_MS = 10_000;
const MQTT_TIMEOUT_MS = 20_000;
const SUBSCRIPTIONS = "subscriptions";
const CONFIGURED = "configuration-revision";
const DROPPED = "dropped";

/**
 * A device of Fieldlog. Whatever it is given it stores before it answers, and sends when it can: without a connection,
 * after a crash, after a week. See the package's README.
 */
export class DeviceClient {
  private readonly store: Store;
  private readonly registration: Registration;
  private readonly twin: Twin;
  private readonly link: Link;
  private readonly consumers: Consumers;
  private readonly waiters = new Waiters();
  private readonly methods: Methods;
  private readonly remoteAccess: RemoteAccess;
  private readonly https: Https;
  private readonly lane = new Lane();
  private readonly stop = new AbortController();
  private readonly filters: Set<string>;
  private running: Promise<unknown> = Promise.resolve();
  private closing: Promise<void> | undefined;

  private constructor(private readonly options: CheckedOptions) {
    const { ca, backOff } = options;
    const failed = (error: unknown) => this.failed(error);
    this.store = Store.open(options.db, { maxBytes: options.maxBytes, policy: options.whenFull });
    this.https = new Https({ instance: options.instance, ca, timeoutMs: HTTP_TIMEOUT_MS });
    this.registration = new Registration(
      this.store,
      new ProvisioningApi(this.https, Date.now),
      { ...options, deviceId: options.deviceId },
      Date.now,
    );
    this.twin = new Twin(
      this.store,
      (desired) => this.call(() => options.desiredPropertiesUpdated?.(desired)),
      (reason) => failed(new Error(`the platform refused the reported properties: ${reason}`)),
      backOff,
    );
    this.methods = new Methods(failed);
    const { allowRemoteAccess: allowed = false } = options;
    this.remoteAccess = new RemoteAccess({ allowed, ca, failed });
    if (allowed) this.methods.set(REMOTE_ACCESS, (payload) => this.remoteAccess.asked(payload));
    this.filters = new Set(this.store.state.get<string[]>(SUBSCRIPTIONS));
    this.consumers = new Consumers(this.store, backOff, failed, () => {
      this.link.wake();
      this.link.makeRoom();
    });
    this.link = new Link(
      {
        ...{ store: this.store, registration: this.registration, twin: this.twin, methods: this.methods },
        ...{ waiters: this.waiters, failed, now: Date.now, filters: () => [...this.filters] },
        receiver: new Receiver(this.store, options.maxReceivedBytes, () => this.consumers.wake()),
        upload: (payload, signal) => upload(this.https, this.connection, payload, signal),
        offer: (row, signal) =>
          offer(this.https, this.connection, options.signingSecret ?? "", row, Date.now(), signal),
        refused: (topic, reason) => this.call(() => options.messageRefused?.(topic, reason)),
        connectedChanged: (connected) => this.call(() => options.connectedChanged?.(connected)),
      },
      { ...options, ca, timeoutMs: MQTT_TIMEOUT_MS },
    );
  }

  /**
   * Resolves when the device is registered and knows its properties: with a file from an earlier start at once, without
   * any connection; the first time when an operator has let it in. Rejects with InvalidOption, StoreUnusable,
   * ProvisioningFailed, or the reason of `signal`.
   */
  static async start(options: StartOptions): Promise<DeviceClient> {
    const client = new DeviceClient(checkOptions(options));
    const stopped = () => client.stop.abort(options.signal?.reason);
    options.signal?.addEventListener("abort", stopped);
    try {
      options.signal?.throwIfAborted();
      await client.begin();
      return client;
    } catch (error) {
      await client.close();
      throw error;
    } finally {
      options.signal?.removeEventListener("abort", stopped);
    }
  }

  /** Of the namespace. */
  get workspaceId(): string {
    return this.connection.workspaceId;
  }

  get deviceId(): string {
    return this.connection.deviceId;
  }

  /** Messages that the platform does not have yet, as far as is known. */
  get pendingMessagesCount(): number {
    return this.store.outbox.totals.messages;
  }

  /** Messages that were ever dropped for newer ones. */
  get droppedMessagesCount(): number {
    return this.store.state.get<number>(DROPPED) ?? 0;
  }

  /** The newest 1,000 that the platform would not take, with its reasons. */
  refusedMessages(): RefusedMessage[] {
    return this.store.refused.list();
  }

  createStreamSender(options: StreamSenderOptions = {}): StreamSender {
    return new StreamSender(
      {
        store: (message) =>
          this.lane.run(message, ({ bag, payload }) => this.put({ kind: "stream", topic: bag, payload })),
        sent: (id) => this.waiters.wait(id),
      },
      options,
    );
  }

  /** Resolves when the platform has all that is stored now. Rejects with ClientClosed. */
  async waitEnqueuedMessagesSent(): Promise<void> {
    // Behind what is being made ready or written at this moment.
    const last = await this.lane.run(undefined, () => this.store.write(() => this.store.outbox.last));
    if (last !== undefined) await this.waiters.wait(last);
  }

  get desiredProperties(): Versioned {
    return this.twin.desired as Versioned;
  }

  /** Undefined: they are no newer than this version. */
  desiredPropertiesIfNewer(version: number): Versioned | undefined {
    return this.desiredProperties.version > version ? this.desiredProperties : undefined;
  }

  /** As this device last set them. */
  get reportedProperties(): Properties {
    return this.twin.reportedNow;
  }

  get anyPendingReportedPropertiesUpdates(): boolean {
    return this.twin.reportPending;
  }

  /**
   * Replaces all reported properties. Resolves when that is on the disk; the platform gets the newest state, and not
   * what was in between. Rejects with DeviceClientError "properties-invalid".
   */
  async updateReportedProperties(properties: Properties): Promise<void> {
    await this.twin.report(structuredClone(checkProperties(properties)));
  }

  /** The same for some of them: a JSON merge patch, in which null deletes. */
  async patchReportedProperties(patch: Properties): Promise<void> {
    await this.twin.report(applied(structuredClone(checkProperties(patch)), this.twin.reportedNow));
  }

  /** Resolves when the platform has the reported properties as they are. */
  waitReportedPropertiesSent(): Promise<void> {
    return this.twin.reportsSent();
  }

  /** Messages that an operator sends to this device. Returns how it is ended. */
  onMessage(handler: MessageHandler): () => void {
    return this.consumers.add({
      takes: (topic) => deviceBoundBag(topic) !== undefined,
      handle: async ({ topic, payload, properties }) => {
        const bag = decodeBag(deviceBoundBag(topic) ?? "");
        await handler({ topic, payload, properties: { ...properties, ...bag } });
        return undefined;
      },
    });
  }

  /** A method that operators may call on this device while it is connected. */
  onMethod(name: string, handler: MethodHandler): void {
    this.methods.set(name, handler);
  }

  /** Tells that something happened. Resolves when it is on the disk. */
  async publishEvent(event: DeviceEvent): Promise<void> {
    await this.put(eventMessage(event, new Date()));
  }

  async sendMeasurements(...measurements: Measurement[]): Promise<void> {
    await this.put(measurementsMessage(measurements, new Date()));
  }

  async sendLog(...entries: LogEntry[]): Promise<void> {
    await this.put(logsMessage(entries, new Date()));
  }

  /**
   * Offers recorded data; if the platform wants them they are sent, else they are among the refused messages. Needs the
   * option signingSecret.
   */
  async offerData(about: Offer, data: Uint8Array): Promise<void> {
    if (this.options.signingSecret === undefined) throw new InvalidOption("signingSecret", "is missing");
    await this.put(offerMessage(about, data));
  }

  /**
   * Hears messages of others: an MQTT filter, such as `events/+/door`. The platform keeps what comes while the device is
   * away, until `unsubscribe`; what has come waits for a handler. Resolves with how the handler is taken away.
   */
  async subscribe(filter: string, handler: MessageHandler): Promise<() => void> {
    if (!isFilter(filter)) throw new InvalidOption("filter", "is no MQTT topic filter");
    const remove = this.consumers.add({
      takes: (topic) => matches(filter, topic),
      handle: async ({ topic, properties, payload }) => {
        await handler({ topic, properties, payload });
        return undefined;
      },
    });
    await this.follow(filter);
    return remove;
  }

  /** Hears no more of it. */
  async unsubscribe(filter: string): Promise<void> {
    if (!this.filters.delete(filter)) return;
    await this.store.write(() => this.store.state.set(SUBSCRIPTIONS, [...this.filters]));
    await this.link.unsubscribe(filter);
  }

  /**
   * Follows the device's configuration: each revision is handed over once, in order. If the handler rejects, the
   * platform is told that the revision is not accepted.
   */
  async onConfiguration(
    handler: (configuration: Configuration) => void | Promise<void>,
  ): Promise<() => void> {
    const filter = `configurations/${this.deviceId}`;
    const remove = this.consumers.add({
      takes: (topic) => topic.startsWith("configurations/"),
      handle: ({ payload }) => this.configure(payload, handler),
    });
    await this.follow(filter);
    return remove;
  }

  /** Ends. What is stored is sent after the next start. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async end(): Promise<void> {
    if (!this.stop.signal.aborted) this.stop.abort(new ClientClosed());
    this.consumers.close();
    this.remoteAccess.close();
    await this.link.close();
    await this.running;
    this.waiters.close();
    this.store.close();
  }

  private get connection(): Connection {
    return this.registration.connection as Connection;
  }

  private async begin(): Promise<void> {
    const { signal } = this.stop;
    await this.registration.ready(signal);
    const fresh = this.registration.keepFresh(signal).catch((error) => {
      if (!signal.aborted) this.failed(error);
    });
    this.running = Promise.all([this.link.run(), fresh]);
    const stopped = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    stopped.catch(() => {});
    const known = this.twin.isKnown;
    await Promise.race([this.twin.known, stopped]);
    // Else it was called already, when they came.
    if (known) this.call(() => this.options.desiredPropertiesUpdated?.(this.desiredProperties));
  }

  private async follow(filter: string): Promise<void> {
    if (this.filters.has(filter)) return;
    this.filters.add(filter);
    await this.store.write(() => this.store.state.set(SUBSCRIPTIONS, [...this.filters]));
    await this.link.subscribe([filter]).catch(() => {
      // The next connection does so.
    });
  }

  private async configure(
    payload: Uint8Array,
    handler: (configuration: Configuration) => void | Promise<void>,
  ): Promise<(() => void) | undefined> {
    const { state, outbox } = this.store;
    const told = configurationIn(payload);
    if (told === undefined || told.revision <= (state.get<number>(CONFIGURED) ?? -1)) return undefined;
    let accepted = true;
    try {
      await handler(told);
    } catch (error) {
      accepted = false;
      this.failed(error);
    }
    const answer = acknowledgmentMessage(told.revision, accepted, new Date());
    return () => {
      state.set(CONFIGURED, told.revision);
      outbox.add(answer);
    };
  }

  private async put(message: Outgoing): Promise<number> {
    const { store } = this;
    const added = await store.write(() => {
      const result = store.outbox.add(message);
      if (result.dropped > 0) store.state.set(DROPPED, this.droppedMessagesCount + result.dropped);
      return result;
    });
    this.link.wake();
    if (added.dropped > 0) {
      this.waiters.dropped(added.droppedThrough);
      this.call(() => this.options.messagesDropped?.(added.dropped));
    }
    return added.id;
  }

  private failed(error: unknown): void {
    try {
      this.options.failed?.(error);
    } catch {
      // Nobody is left to be told.
    }
  }

  private call(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.failed(error);
    }
  }
}

function configurationIn(payload: Uint8Array): Configuration | undefined {
  try {
    const { revision, configuration } = JSON.parse(Buffer.from(payload).toString("utf8"));
    return Number.isSafeInteger(revision) ? { revision, configuration } : undefined;
  } catch {
    return undefined;
  }
}
