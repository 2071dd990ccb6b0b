import { ConnectRefused, MqttConnection } from "../mqtt/connection.js";
import type { Twin } from "../properties/twin.js";
import type { Connection } from "../provisioning/connection-string.js";
import type { Registration } from "../provisioning/registration.js";
import { BackOff, type BackOffTimes } from "./back-off.js";
import type { Methods } from "./methods.js";
import type { Receiver } from "./receiver.js";
import { Sender, type SenderParts } from "./sender.js";
import { ownFilters } from "./topics.js";

export interface LinkOptions {
  readonly mqttPort: number;
  readonly ca: string | undefined;
  readonly keepAliveS: number;
  readonly timeoutMs: number;
  readonly backOff: BackOffTimes;
}

export interface LinkParts extends SenderParts {
  readonly registration: Registration;
  readonly twin: Twin;
  readonly methods: Methods;
  readonly receiver: Receiver;
  /** What the application wants to hear, beside what every device does. */
  readonly filters: () => readonly string[];
  /** Something went wrong that is tried again. */
  readonly failed: (error: unknown) => void;
  readonly connectedChanged: (connected: boolean) => void;
}

const API_VERSION = "2018-06-30";

/** The connection to the platform: made, used, and made again, until it is stopped. */
export class Link {
  private sender: Sender | undefined;
  private connection: MqttConnection | undefined;
  private readonly stop = new AbortController();
  private lastPacketId = 60_000;
  private readonly backOff: BackOff;

  constructor(
    private readonly parts: LinkParts,
    private readonly options: LinkOptions,
  ) {
    this.backOff = new BackOff(options.backOff);
  }

  /** There is something to be sent. */
  wake(): void {
    this.sender?.wake();
  }

  /** Room for what was not taken may need a new connection. */
  makeRoom(): void {
    if (this.parts.receiver.shouldReconnect) this.connection?.destroy(new Error("there is room again"));
  }

  /** Subscribes now if there is a connection; the next ones do so anyway. */
  async subscribe(filters: readonly string[]): Promise<void> {
    const { connection } = this;
    if (connection === undefined || filters.length === 0) return;
    const codes = await connection.subscribe(filters);
    for (const [index, code] of codes.entries()) {
      if (code >= 0x80) this.parts.failed(new Error(`${filters[index]} was refused: 0x${code.toString(16)}`));
    }
  }

  async unsubscribe(filter: string): Promise<void> {
    await this.connection?.unsubscribe([filter]);
  }

  /** Until it is stopped. */
  async run(): Promise<void> {
    const { signal } = this.stop;
    while (!signal.aborted) {
      try {
        await this.connected(this.parts.registration.connection as Connection, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.parts.failed(error);
        // As of reference B3: what was refused needs a new password, or a namespace that is enabled again.
        if (error instanceof ConnectRefused) await this.renew(signal);
      }
      await this.backOff.pause(signal).catch(() => {});
    }
  }

  /** Says goodbye. What is not acknowledged is sent after the next start. */
  async close(): Promise<void> {
    const { connection } = this;
    this.stop.abort(new Error("the client stops"));
    await connection?.disconnect();
  }

  private async connected(to: Connection, signal: AbortSignal): Promise<void> {
    const { twin, receiver, methods, connectedChanged } = this.parts;
    const { mqttPort, ca, keepAliveS, timeoutMs } = this.options;
    const { host, workspaceId, deviceId, signature } = to;
    const clientId = `${workspaceId}:${deviceId}`;
    const connection = await MqttConnection.open(
      {
        ...{ host, port: mqttPort, ca, clientId, keepAliveS, timeoutMs },
        ...{ userName: `${host}/${clientId}/?api-version=${API_VERSION}`, password: signature },
      },
      {
        publish: (packet) => {
          const { topic, payload } = packet;
          if (twin.take(topic, payload)) this.backOff.reset();
          else if (!methods.take(topic, payload, connection)) receiver.take(packet, connection);
        },
        puback: (packetId, code, reason) => {
          if (this.sender?.acknowledged(packetId, code, reason)) this.backOff.reset();
        },
      },
      signal,
    );
    this.connection = connection;
    const { receiveMaximum } = connection;
    const sender = new Sender(this.parts, connection, { workspaceId, deviceId, receiveMaximum });
    this.sender = sender;
    const gone = new AbortController();
    void connection.closed.then((reason) => {
      gone.abort(reason);
      sender.end(reason);
    });
    receiver.connected();
    connectedChanged(true);
    try {
      await this.subscribe([...ownFilters(workspaceId, deviceId), ...this.parts.filters()]);
      twin.connected({ send: (topic, payload) => this.publishOnce(connection, topic, payload) });
      await sender.run(AbortSignal.any([signal, gone.signal]));
    } finally {
      this.sender = undefined;
      this.connection = undefined;
      twin.disconnected();
      connectedChanged(false);
      connection.destroy(new Error("the connection is given up"));
    }
  }

  /** Not from the outbox: an answer shows that it arrived. Its packet ids are between those of others. */
  private publishOnce(connection: MqttConnection, topic: string, payload: Uint8Array): void {
    this.lastPacketId = 60_001 + ((this.lastPacketId - 60_000) % 3_000);
    connection.publish({ topic, payload, packetId: this.lastPacketId });
  }

  private async renew(signal: AbortSignal): Promise<void> {
    try {
      await this.parts.registration.renew(signal);
    } catch (error) {
      if (!signal.aborted) this.parts.failed(error);
    }
  }
}
