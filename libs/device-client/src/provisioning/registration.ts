import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ProvisioningFailed } from "../errors.js";
import { BackOff, type BackOffTimes } from "../link/back-off.js";
import type { Store } from "../store/store.js";
import type { ProvisioningApi, ProvisioningOperation, RegistrationToken } from "./api.js";
import type { Connection } from "./connection-string.js";
import { connectionDue, registrationDue } from "./due.js";
import { Unreachable } from "./https.js";

export interface RegistrationOptions {
  readonly provisioningToken: string;
  readonly deviceId: string | undefined;
  readonly backOff: BackOffTimes;
  /** ms between two questions whether an operator has approved. */
  readonly approvalPollMs: number;
  /** Shown to whoever approves: may be called again, with another operation. */
  readonly displayProvisioningOperation: (operation: ProvisioningOperation) => void;
}

/** What is kept of it. */
interface Stored {
  /** SHA-256, so that another token is noticed. */
  readonly provisioningToken: string;
  readonly requestedDeviceId: string | null;
  readonly registration: RegistrationToken;
  readonly connection?: Connection;
}

const NAME = "registration";
/** ms between two looks at what is due, at most: clocks jump, machines sleep. */
const LOOK_MS = 60_000;
/** And at least. */
const LOOK_AGAIN_MS = 1_000;
const AFTER_FAILURE_MS = 30_000;

/** Lets the device be registered, and keeps its tokens fresh (reference B3). */
export class Registration {
  private renewing: Promise<void> | undefined;

  constructor(
    private readonly store: Store,
    private readonly api: ProvisioningApi,
    private readonly options: RegistrationOptions,
    private readonly now: () => number,
  ) {}

  /** The newest that is known; undefined until `ready` has resolved. */
  get connection(): Connection | undefined {
    return this.stored?.connection;
  }

  /**
   * Resolves when it is known where to connect and as whom: at once from the store if the platform does not answer, else
   * when an operator has approved. Raises ProvisioningFailed.
   */
  async ready(signal: AbortSignal): Promise<Connection> {
    const stored = this.stored;
    const expired =
      stored?.registration.expiresAt !== undefined && stored.registration.expiresAt <= this.now();
    if (stored === undefined || !this.isOfThese(stored) || expired) await this.provision(signal);
    else await this.reuse(stored, signal);
    return this.connection as Connection;
  }

  /** A fresh connection string; provisions anew if the registration is good no more. One at a time. */
  renew(signal: AbortSignal): Promise<void> {
    this.renewing ??= this.register(signal).finally(() => {
      this.renewing = undefined;
    });
    return this.renewing;
  }

  /** Renews what is due, until the signal; rejects with what ends it: ProvisioningFailed, or the signal's reason. */
  async keepFresh(signal: AbortSignal): Promise<never> {
    for (;;) {
      let pauseMs = LOOK_MS;
      try {
        await this.renewDue(signal);
        pauseMs = Math.min(LOOK_MS, Math.max(LOOK_AGAIN_MS, this.due - this.now()));
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        pauseMs = AFTER_FAILURE_MS;
      }
      await sleep(pauseMs, undefined, { signal, ref: false });
    }
  }

  private async renewDue(signal: AbortSignal): Promise<void> {
    const stored = this.stored;
    if (stored === undefined) return;
    if (registrationDue(stored.registration) <= this.now()) await this.refresh(stored, signal);
    if (stored.connection === undefined || connectionDue(stored.connection) <= this.now()) {
      await this.renew(signal);
    }
  }

  /** ms since 1970 UTC of what is due next. */
  private get due(): number {
    const { registration, connection } = this.stored ?? {};
    return Math.min(
      registration === undefined ? Number.POSITIVE_INFINITY : registrationDue(registration),
      connection === undefined ? Number.POSITIVE_INFINITY : connectionDue(connection),
    );
  }

  private get stored(): Stored | undefined {
    return this.store.state.get<Stored>(NAME);
  }

  private isOfThese({ provisioningToken, requestedDeviceId }: Stored): boolean {
    return (
      provisioningToken === hashed(this.options.provisioningToken) &&
      requestedDeviceId === (this.options.deviceId ?? null)
    );
  }

  private async reuse(stored: Stored, signal: AbortSignal): Promise<void> {
    try {
      await this.register(signal);
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      if (stored.connection === undefined) await this.persist(() => this.register(signal), signal);
    }
  }

  private async provision(signal: AbortSignal): Promise<void> {
    const { provisioningToken, deviceId } = this.options;
    let registration: RegistrationToken | "gone";
    do {
      const operation = await this.persist(() => this.api.init(provisioningToken, deviceId, signal), signal);
      this.options.displayProvisioningOperation(operation);
      registration = await this.approved(operation.id, signal);
    } while (registration === "gone");
    await this.keep({
      provisioningToken: hashed(provisioningToken),
      requestedDeviceId: deviceId ?? null,
      registration,
    });
    await this.persist(() => this.register(signal), signal);
  }

  private async approved(operationId: string, signal: AbortSignal): Promise<RegistrationToken | "gone"> {
    const { provisioningToken, approvalPollMs } = this.options;
    for (;;) {
      const answer = await this.persist(
        () => this.api.complete(provisioningToken, operationId, signal),
        signal,
      );
      if (answer !== "pending") return answer;
      await sleep(approvalPollMs, undefined, { signal });
    }
  }

  private async register(signal: AbortSignal): Promise<void> {
    const stored = this.stored;
    if (stored === undefined) throw new ProvisioningFailed("provisioning-refused", "nothing is registered");
    const connection = await this.api.register(stored.registration.token, signal);
    if (connection === "rejected") await this.provision(signal);
    // Meanwhile the token may have been refreshed.
    else await this.keep({ ...(this.stored ?? stored), connection });
  }

  private async refresh(stored: Stored, signal: AbortSignal): Promise<void> {
    const { provisioningToken } = this.options;
    const registration = await this.api.refresh(provisioningToken, stored.registration.token, signal);
    if (registration === "rejected") await this.renew(signal);
    else await this.keep({ ...(this.stored ?? stored), registration });
  }

  private keep(stored: Stored): Promise<void> {
    return this.store.write(() => this.store.state.set(NAME, stored));
  }

  /** Until the platform answers. */
  private async persist<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const backOff = new BackOff(this.options.backOff);
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        await backOff.pause(signal);
      }
    }
  }
}

function hashed(token: string): string {
  return createHash("sha256").update(token).digest("base64url");
}
