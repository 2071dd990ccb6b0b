import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import {
  Budget,
  type EndReason,
  LoadsExceeded,
  type OpenReader,
  type OpenReaders,
} from "@fieldlog/admission";
import { limits, type remote } from "@fieldlog/contracts";
import type { Slots } from "@fieldlog/fan-out";
import type { Answer } from "@fieldlog/remote";
import { RpcError } from "@fieldlog/rpc";
import type { Logger } from "@fieldlog/runtime";
import type { RawData, WebSocket } from "ws";
import { decodeFrame, type Encoding, encodeFrame, encodingOf, Malformed, type Message } from "./codec.js";
import type { DeviceFeature, DeviceSession, MakeFeature } from "./feature.js";
import { Heartbeats, type HeartbeatsParts } from "./heartbeats.js";
import { type Hello, HelloRefused, readHello } from "./hello.js";
import { KeepAlive } from "./keep-alive.js";
import { Outgoing } from "./outgoing.js";
import { type Presence, PresenceUnknown } from "./presence.js";
import { checkEnabled, type SignedIn, type SignInParts, signIn } from "./sign-in.js";

/** What the devices' connections of an edge have in common. */
export interface SessionParts extends SignInParts, HeartbeatsParts {
  readonly presence: Pick<Presence, "enter">;
  /** Those that were let in. */
  readonly open: Pick<OpenReaders, "room" | "add" | "delete">;
  /** Those that were not yet. */
  readonly strangers: Set<RemoteConnection>;
  readonly features: readonly MakeFeature[];
  /** Of those who say hello at once, as after a restart, so many are looked up; the others wait. */
  readonly signIns: Pick<Slots, "acquire">;
  readonly logger: Pick<Logger, "warn" | "error">;
  /** Counts what became of hellos. */
  readonly hellos: { inc(labels: { outcome: "let in" | "refused" | "later" }): void };
}

interface End {
  readonly code: number;
  readonly reason: string;
  /** The device goes, and is known to. */
  readonly quits?: boolean;
}

// Close codes: RFC 6455, section 7.4; from 4000 on our own.
const GOING_AWAY: End = { code: 1001, reason: "the server stops" };
const NO_HELLO: End = { code: 1008, reason: "no hello" };
const TOO_MANY_ERRORS: End = { code: 1008, reason: "too many errors" };
const TOO_MUCH: End = { code: 1008, reason: "too many messages" };
const LONG_HELLO: End = { code: 1009, reason: "hello is too long" };
const FAILED: End = { code: 1011, reason: "the server failed" };
/** The client comes back; to be told `hello:false` it would give up for ever. */
const LATER: End = { code: 1013, reason: "try again later" };
const REPLACED: End = { code: 4001, reason: "the device has connected again" };
/** The client comes back, until the namespace is enabled again. */
const DISABLED: End = { code: 4423, reason: "the namespace is disabled" };
const NOT_LET_IN: End = { code: 4401, reason: "the hello was refused" };
const ENDS: Record<EndReason, End> = {
  stopping: GOING_AWAY,
  revoked: { code: 4401, reason: "the API key is not valid any more", quits: true },
  removed: { code: 4410, reason: "the device was removed", quits: true },
};

/** Milliseconds that a client whose hello was refused has to go by itself, and one that is closed to answer that. */
const REFUSED_MS = 10_000;
const CLOSE_MS = 1_000;
/** Messages that are answered with an error before the connection ends. */
const ERRORS = 32;
const MESSAGES_PER_SECOND = 500;
const MESSAGE_BURST = 2_000;

type Phase = "stranger" | "signing-in" | "refused" | "open" | "over";

/** One device's connection, from its first frame on. */
export class RemoteConnection implements OpenReader {
  readonly subscription = undefined;
  private phase: Phase = "stranger";
  private encoding: Encoding | undefined;
  private signedIn: SignedIn | undefined;
  private features: DeviceFeature[] = [];
  private heartbeats: Heartbeats | undefined;
  /** Came while it was found out who this is. */
  private early: [data: RawData, isBinary: boolean][] = [];
  private errors = 0;
  private paused = 0;
  private leave: () => void = () => undefined;
  /** For logs, once that is known. */
  private who: Partial<Pick<DeviceSession, "namespace" | "device">> = {};
  private readonly there = Promise.withResolvers<void>();
  private readonly keepAlive: KeepAlive;
  private readonly outgoing: Outgoing;
  private readonly budget = new Budget(MESSAGES_PER_SECOND, MESSAGE_BURST);
  /** ms since 1970 UTC, by when it must have said who it is, or be gone. */
  private deadline: number;

  constructor(
    private readonly parts: SessionParts,
    private readonly webSocket: WebSocket,
    private readonly socket: Pick<Duplex, "on" | "off">,
  ) {
    const now = parts.now();
    this.deadline = now + limits.remoteHelloMs;
    this.keepAlive = new KeepAlive(now);
    this.outgoing = new Outgoing(webSocket, (err) =>
      parts.logger.warn({ err, ...this.who }, "a device gets no answer"),
    );
    // Nobody awaits it where the device never comes in.
    this.there.promise.catch(() => undefined);
    this.boundHello();
    webSocket.on("message", (data, isBinary) => this.received(data, isBinary));
    webSocket.on("pong", () => this.keepAlive.heard());
    // `ws` itself tells the other side what is wrong with its frame.
    webSocket.on("error", () => this.terminateSoon());
    webSocket.on("close", () => this.closed());
    parts.strangers.add(this);
  }

  get credential(): SignedIn {
    if (this.signedIn === undefined) throw new TypeError("nobody knows yet who this is");
    return this.signedIn;
  }

  end(reason: EndReason): void {
    this.close(ENDS[reason]);
  }

  /** Once a second. */
  tick(now: number): void {
    if (this.phase === "over") return;
    if ((this.phase === "stranger" || this.phase === "refused") && now >= this.deadline) {
      this.close(this.phase === "refused" ? NOT_LET_IN : NO_HELLO);
      return;
    }
    const due = this.keepAlive.tick(now);
    if (due === "gone") this.webSocket.terminate();
    if (due === "ping") this.webSocket.ping();
    this.heartbeats?.tick(now);
    for (const feature of this.features) feature.tick?.(now);
  }

  /** What a stranger sends is counted as it comes, since a frame is not seen before it is whole. */
  private boundHello(): void {
    let bytes = 0;
    const count = (chunk: Buffer) => {
      bytes += chunk.length;
      if (this.phase !== "stranger") this.socket.off("data", count);
      else if (bytes > limits.remoteHelloBytes) this.close(LONG_HELLO);
    };
    this.socket.on("data", count);
  }

  private received(data: RawData, isBinary: boolean): void {
    if (this.phase === "over" || this.phase === "refused") return;
    this.keepAlive.heard();
    if (!this.budget.take(this.parts.now())) this.close(TOO_MUCH);
    else if (this.phase === "signing-in") this.early.push([data, isBinary]);
    else this.take(data as Buffer, isBinary);
  }

  private take(frame: Buffer, isBinary: boolean): void {
    if (!isBinary && frame.length === 4 && frame.toString() === "ping") {
      if (this.phase === "open") this.outgoing.sendEncoded("pong");
      return;
    }
    if (this.phase === "stranger" && frame.length > limits.remoteHelloBytes) {
      this.close(LONG_HELLO);
      return;
    }
    const encoding = encodingOf(isBinary);
    try {
      if (this.encoding !== undefined && encoding !== this.encoding) {
        throw new Malformed("Failed to parse message: it comes in another encoding than hello");
      }
      const message = decodeFrame(encoding, frame);
      if (this.phase === "open") this.dispatch(message);
      else if (Object.hasOwn(message, "hello")) void this.begin(message, encoding);
      else this.refuse("hello must come first", encoding);
    } catch (error) {
      if (error instanceof Malformed) this.refuse(error.message, this.encoding ?? encoding);
      else {
        this.parts.logger.error({ err: error, ...this.who }, "a device's message could not be handled");
        this.close(FAILED);
      }
    }
  }

  /** Keys that nobody knows are passed over. */
  private dispatch(message: Message): void {
    if (Object.hasOwn(message, "hello")) {
      this.refuse("this connection has said hello already");
      return;
    }
    const feature = this.features.find(({ keys }) => keys.some((key) => Object.hasOwn(message, key)));
    feature?.received(message);
  }

  private async begin(message: Message, encoding: Encoding): Promise<void> {
    this.phase = "signing-in";
    this.encoding = encoding;
    this.pause();
    try {
      const hello = readHello(message);
      if (this.parts.open.room() !== "yes") this.close(LATER);
      else await this.enter(hello, encoding);
    } catch (error) {
      this.notLetIn(error, encoding);
    }
    this.resume();
    for (const [data, isBinary] of this.early.splice(0)) this.received(data, isBinary);
  }

  private async enter(hello: Hello, encoding: Encoding): Promise<void> {
    const { parts } = this;
    const release = await parts.signIns.acquire();
    if ((this.phase as Phase) === "over") {
      release();
      return;
    }
    const signedIn = await signIn(parts, hello).finally(release);
    const { namespace } = signedIn;
    this.who = { namespace, device: hello.deviceId };
    const connection = randomUUID();
    const device = { namespace, device: hello.deviceId, connection, connectedAt: parts.now() };
    const leave = await parts.presence.enter(device, {
      replaced: () => this.close(REPLACED),
      removed: () => this.end("removed"),
      disabled: () => this.close(DISABLED),
      answer: (request) => this.answer(device, hello, request),
    });
    if ((this.phase as Phase) === "over") {
      leave();
      return;
    }
    this.leave = leave;
    // It may have been disabled before anybody could have told this connection.
    await checkEnabled(parts.known, namespace);
    if ((this.phase as Phase) === "over") return;
    this.signedIn = signedIn;
    this.open(this.sessionOf(device, hello, encoding));
  }

  /** The answer to hello is the next frame that the device gets, and `hello` its first key. */
  private open(session: DeviceSession): void {
    const { parts } = this;
    const { version } = session.hello;
    session.send({ hello: true, ...(version === 4 ? { serverTimestamp: parts.now() } : {}) });
    parts.hellos.inc({ outcome: "let in" });
    this.phase = "open";
    this.features = parts.features.map((make) => make(session));
    this.heartbeats = new Heartbeats(parts, session);
    this.heartbeats.tick(parts.now());
    this.there.resolve();
    parts.strangers.delete(this);
    parts.open.add(this);
  }

  private sessionOf(
    { namespace, device, connection }: Pick<DeviceSession, "namespace" | "device" | "connection">,
    hello: Hello,
    encoding: Encoding,
  ): DeviceSession {
    const { outgoing } = this;
    return {
      ...{ namespace, device, connection, encoding, hello },
      send: (message) => outgoing.send(encoding, message),
      sendEncoded: (frame) => outgoing.sendEncoded(frame),
      answerFirst: (message) => outgoing.answerFirst(encoding, message),
      refuse: (err) => this.refuse(err),
      pause: () => this.pause(),
      resume: () => this.resume(),
    };
  }

  private notLetIn(error: unknown, encoding: Encoding): void {
    if (this.phase === "over") return;
    if (!(error instanceof HelloRefused)) {
      if (!isForeseen(error))
        this.parts.logger.error({ err: error, ...this.who }, "a device could not be let in");
      this.parts.hellos.inc({ outcome: "later" });
      this.close(LATER);
      return;
    }
    this.parts.hellos.inc({ outcome: "refused" });
    this.phase = "refused";
    this.deadline = this.parts.now() + REFUSED_MS;
    this.outgoing.send(encoding, { hello: false, err: error.message });
  }

  private async answer(
    device: { readonly connection: string; readonly connectedAt: number },
    hello: Hello,
    request: remote.RemoteRequest["request"],
  ): Promise<Awaited<ReturnType<Answer>>> {
    await this.there.promise;
    if (request.case === "getStatus") return { status: this.status(device, hello) };
    for (const feature of this.features) {
      const answer = feature.asked?.(request);
      if (answer !== undefined) return answer;
    }
    throw new Error("the device cannot do that");
  }

  private status({ connection, connectedAt }: { connection: string; connectedAt: number }, hello: Hello) {
    const { version, mode, deviceType, sensors, supportsSnapshotStreaming, inferenceInfo = "" } = hello;
    const { availableRecords: records } = hello;
    return Object.assign(
      {
        ...{ connection, connectedAt: BigInt(connectedAt), version, mode, deviceType },
        ...{ encoding: this.encoding ?? "json", snapshots: supportsSnapshotStreaming, sensors: [...sensors] },
        inferenceInfoJson: inferenceInfo,
        ...(records === undefined ? {} : { records }),
      },
      ...this.features.map((feature) => feature.status?.() ?? {}),
    );
  }

  private refuse(err: string, encoding: Encoding = this.encoding ?? "json"): void {
    if (++this.errors > ERRORS) this.close(TOO_MANY_ERRORS);
    else this.outgoing.sendEncoded(encodeFrame(encoding, { err }));
  }

  private pause(): void {
    if (this.paused++ === 0) this.webSocket.pause();
  }

  private resume(): void {
    if (--this.paused === 0) this.webSocket.resume();
  }

  private close(end: End): void {
    if (this.phase === "over") return;
    this.over(end.quits ?? false);
    // What is paused does not hear that the other side has closed, too.
    this.webSocket.resume();
    this.webSocket.close(end.code, end.reason);
    this.terminateSoon();
  }

  private terminateSoon(): void {
    setTimeout(() => this.webSocket.terminate(), CLOSE_MS).unref();
  }

  private closed(): void {
    this.over(true);
    this.parts.strangers.delete(this);
    this.parts.open.delete(this);
  }

  /** Nobody is answered by it any more. */
  private over(quits: boolean): void {
    if (this.phase === "over") return;
    this.phase = "over";
    this.leave();
    this.there.reject(new Error("the device has gone"));
    for (const feature of this.features) feature.closed?.();
    if (quits) void this.heartbeats?.quit();
  }
}

/** A service or NATS does not answer. */
function isForeseen(error: unknown): boolean {
  return error instanceof RpcError || error instanceof LoadsExceeded || error instanceof PresenceUnknown;
}
