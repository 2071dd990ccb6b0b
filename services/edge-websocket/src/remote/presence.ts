import { deviceKey, type Known, LoadsExceeded } from "@fieldlog/admission";
import { type AggregateId, CLEARING, type remote } from "@fieldlog/contracts";
import type { Answer, HeldDevice, RemoteHost } from "@fieldlog/remote";
import { RpcError } from "@fieldlog/rpc";

/** A connection of a device, as far as it has to do with others of the same device. */
export interface Present {
  /** A newer connection of the device is there. */
  replaced(): void;
  /** The device is none any more. */
  removed(): void;
  /** Its namespace is disabled. */
  disabled(): void;
  /** What others ask of it, once it is there. */
  readonly answer: Answer;
}

/** NATS does not tell whether there is another connection of the device. */
export class PresenceUnknown extends Error {
  override readonly name = "PresenceUnknown";
}

/** Milliseconds within which two connections count as made at once: then their times decide, the same on each edge. */
const AT_ONCE_MS = 1_000;
/** Milliseconds until what was announced must have come back. */
const ECHO_MS = 2_000;

/** The devices that are connected to this edge. Of several connections of a device, here or elsewhere, the newest stays. */
export class Presence {
  private readonly here = new Map<string, Held>();

  constructor(
    private readonly host: Pick<RemoteHost, "hold" | "announce">,
    /** ms, of a clock that only goes forward. */
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Devices that are connected here. */
  get size(): number {
    return this.here.size;
  }

  /**
   * From now on the device is here, and whoever asks for it is answered by this connection. Returns what ends that. Rejects
   * with PresenceUnknown.
   */
  async enter(device: HeldDevice, present: Present): Promise<() => void> {
    const held = new Held(this.host, device, present, this.now);
    const release = this.host.hold(device, (request) => held.asked(request));
    try {
      await held.announced();
    } catch (error) {
      release();
      throw error;
    }
    // While it was announced, a newer one came.
    if (held.isReplaced) return release;
    const key = deviceKey(device.namespace, device.device);
    this.here.get(key)?.replace();
    this.here.set(key, held);
    return () => {
      release();
      if (this.here.get(key) === held) this.here.delete(key);
    };
  }

  /** Something was decided on a device, or a namespace or device was cleared: who is no device any more is told. */
  recheck({ namespace, kind, id }: AggregateId, registered: Known["registered"]): void {
    if (kind !== CLEARING.kind || id !== "") {
      void this.recheckOne(deviceKey(namespace, id), registered);
      return;
    }
    for (const key of this.here.keys()) {
      if (key.startsWith(deviceKey(namespace, ""))) void this.recheckOne(key, registered);
    }
  }

  /** A namespace may have been disabled: whose it was is told. */
  recheckNamespaces(namespaces: Known["namespaces"]): void {
    for (const held of this.here.values()) void held.recheckNamespace(namespaces);
  }

  /** What cannot be found out counts as being there. */
  private async recheckOne(key: string, registered: Known["registered"]): Promise<void> {
    const held = this.here.get(key);
    if (held === undefined) return;
    try {
      if ((await registered.get(key)) === undefined) held.removed();
    } catch (error) {
      if (!(error instanceof RpcError || error instanceof LoadsExceeded)) throw error;
    }
  }
}

class Held {
  private readonly echo = Promise.withResolvers<void>();
  private announcedAt: number | undefined;
  isReplaced = false;

  constructor(
    private readonly host: Pick<RemoteHost, "announce">,
    private readonly device: HeldDevice,
    private readonly present: Present,
    private readonly now: () => number,
  ) {}

  /** What this connection announced has come back: it hears what is asked, and whoever was there before has heard it. */
  async announced(): Promise<void> {
    const timer = setTimeout(() => this.echo.reject(new PresenceUnknown("NATS does not answer")), ECHO_MS);
    try {
      await this.echo.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  asked(request: remote.RemoteRequest["request"]): ReturnType<Answer> {
    if (request.case !== "replaced") return this.isReplaced ? undefined : this.present.answer(request);
    const { connection } = request.value;
    if (connection === this.device.connection) {
      this.announcedAt ??= this.now();
      this.echo.resolve();
    } else if (this.isOlder(request.value)) this.replace();
    // The other one came too late to have heard of this one.
    else if (!this.isReplaced) this.host.announce(this.device);
    return undefined;
  }

  removed(): void {
    this.present.removed();
  }

  /** What cannot be found out counts as enabled. */
  async recheckNamespace(namespaces: Known["namespaces"]): Promise<void> {
    try {
      if ((await namespaces.get(this.device.namespace))?.disabled) this.present.disabled();
    } catch (error) {
      if (!(error instanceof RpcError || error instanceof LoadsExceeded)) throw error;
    }
  }

  replace(): void {
    if (this.isReplaced) return;
    this.isReplaced = true;
    this.present.replaced();
  }

  private isOlder({ connection, connectedAt }: remote.Replaced): boolean {
    const { announcedAt, device } = this;
    if (announcedAt !== undefined && this.now() - announcedAt > AT_ONCE_MS) return true;
    const at = Number(connectedAt);
    return at === device.connectedAt ? connection > device.connection : at > device.connectedAt;
  }
}
