import { ClientClosed, InvalidOption } from "./errors.js";
import { type ConfigurationHandler, configurationTopic, ofConfiguration } from "./link/configurations.js";
import { Consumers } from "./link/consumers.js";
import { Link } from "./link/link.js";
import { type MethodHandler, Methods } from "./link/methods.js";
import { offer } from "./link/offers.js";
import { Receiver } from "./link/receiver.js";
import { type MessageHandler, ofDevice, ofFilter, Subscriptions } from "./link/subscriptions.js";
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
import { type Outcome, type Outgoing, sizeOf } from "./store/outbox.js";
import type { RefusedMessage } from "./store/refused.js";
import { Store } from "./store/store.js";
import { Lane } from "./streams/lane.js";
import { StreamSender, type StreamSenderOptions } from "./streams/stream-sender.js";
import {
  type DeviceEvent,
  eventMessage,
  type LogEntry,
  logsMessage,
  type Measurement,
  measurementsMessage,
  type Offer,
  offerMessage,
} from "./telling/messages.js";

const HTTP_TIMEOUT_MS = 10_000;
const MQTT_TIMEOUT_MS = 20_000;

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
  private readonly subscriptions: Subscriptions;
  private readonly waiters = new Waiters();
  private readonly methods: Methods;
  private readonly remoteAccess: RemoteAccess;
  private readonly https: Https;
  private readonly lane = new Lane();
  private readonly stop = new AbortController();
  private running: Promise<unknown> = Promise.resolve();
  private closing: Promise<void> | undefined;

  private constructor(private readonly options: CheckedOptions) {
    const { ca, backOff } = options;
    const failed = (error: unknown) => this.failed(error);
    const room = { maxBytes: options.maxBytes, policy: options.whenFull };
    this.store = Store.open(options.db, room, (outcome) => this.stored(outcome));
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
    this.consumers = new Consumers(this.store, backOff, failed, () => {
      this.link.makeRoom();
    });
    this.subscriptions = new Subscriptions(this.store, this.consumers, {
      subscribe: (filters) => this.link.subscribe(filters),
      unsubscribe: (filter) => this.link.unsubscribe(filter),
    });
    this.link = new Link(
      {
        ...{ store: this.store, registration: this.registration, twin: this.twin, methods: this.methods },
        ...{ waiters: this.waiters, failed, now: Date.now, filters: () => this.subscriptions.filters },
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
    return this.store.outbox.totals.dropped;
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
    const wanted = structuredClone(checkProperties(properties));
    await this.twin.report(() => wanted);
  }

  /** The same for some of them: a JSON merge patch, in which null deletes. */
  async patchReportedProperties(patch: Properties): Promise<void> {
    const change = structuredClone(checkProperties(patch));
    await this.twin.report((now) => applied(change, now));
  }

  /** Resolves when the platform has the reported properties as they are. Rejects with ClientClosed. */
  waitReportedPropertiesSent(): Promise<void> {
    return this.twin.reportsSent();
  }

  /** Messages that an operator sends to this device. Returns how it is ended. */
  onMessage(handler: MessageHandler): () => void {
    return this.consumers.add(ofDevice(handler));
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
  subscribe(filter: string, handler: MessageHandler): Promise<() => void> {
    return this.subscriptions.follow(filter, ofFilter(filter, handler));
  }

  /** Hears no more of it. */
  unsubscribe(filter: string): Promise<void> {
    return this.subscriptions.unfollow(filter);
  }

  /**
   * Follows the device's configuration: each revision is handed over once, in order. If the handler rejects, the
   * platform is told that the revision is not accepted. Resolves with how the handler is taken away.
   */
  onConfiguration(handler: ConfigurationHandler): Promise<() => void> {
    const consumer = ofConfiguration(this.store, handler, (error) => this.failed(error));
    return this.subscriptions.follow(configurationTopic(this.deviceId), consumer);
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
    this.twin.close();
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

  private put(message: Outgoing): Promise<number> {
    const { outbox } = this.store;
    return this.store.write(() => outbox.add(message), sizeOf(message.topic, message.payload));
  }

  private stored({ dropped, droppedThrough }: Outcome): void {
    this.link.wake();
    if (dropped === 0) return;
    this.waiters.dropped(droppedThrough);
    this.call(() => this.options.messagesDropped?.(dropped));
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
