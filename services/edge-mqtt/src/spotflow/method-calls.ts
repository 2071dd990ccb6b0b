import { limits } from "@fieldlog/contracts";

export interface MethodAnswer {
  readonly status: number;
  readonly payload: Uint8Array;
}

/** The device did not do what it was asked. */
export class MethodFailed extends Error {
  override readonly name = "MethodFailed";
  constructor(
    message: string,
    /** It was asked, and may have done it. */
    readonly unanswered = false,
  ) {
    super(message);
  }
}

interface Open {
  readonly resolve: (answer: MethodAnswer) => void;
  readonly reject: (error: MethodFailed) => void;
  readonly timer: NodeJS.Timeout;
}

/** Method calls to one device that wait for its answer. */
export class MethodCalls {
  private readonly open = new Map<string, Open>();
  private last = 0;

  /** @param send gives the call to the device under the id that the answer will have; false: it cannot */
  constructor(private readonly send: (id: string, name: string, payload: Uint8Array) => boolean) {}

  /**
   * Raises MethodFailed: too many wait, no answer came in time, or the device has gone.
   *
   * @param timeoutMs 0: `limits.methodMs`, which is the most
   */
  call(name: string, payload: Uint8Array, timeoutMs = 0): Promise<MethodAnswer> {
    if (this.open.size >= limits.methodCalls) {
      return Promise.reject(new MethodFailed(`${limits.methodCalls} calls wait for the device already`));
    }
    const id = String(++this.last);
    const { promise, resolve, reject } = Promise.withResolvers<MethodAnswer>();
    const waitMs = Math.min(timeoutMs || limits.methodMs, limits.methodMs);
    const timer = setTimeout(() => {
      this.take(id)?.reject(new MethodFailed("the device did not answer in time", true));
    }, waitMs).unref();
    this.open.set(id, { resolve, reject, timer });
    if (!this.send(id, name, payload)) {
      this.take(id)?.reject(new MethodFailed("the device cannot take the call"));
    }
    return promise;
  }

  /** An answer that nobody waits for any more has no effect. */
  answered(id: string, answer: MethodAnswer): void {
    this.take(id)?.resolve(answer);
  }

  /** The device has gone. */
  end(): void {
    for (const id of [...this.open.keys()]) {
      this.take(id)?.reject(new MethodFailed("the device has gone", true));
    }
  }

  private take(id: string): Open | undefined {
    const open = this.open.get(id);
    this.open.delete(id);
    clearTimeout(open?.timer);
    return open;
  }
}
