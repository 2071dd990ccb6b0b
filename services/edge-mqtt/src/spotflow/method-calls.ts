import { limits } from "@fieldlog/contracts";

export interface MethodAnswer {
  readonly status: number;
  readonly payload: Uint8Array;
}

/** The device did not do what it was asked. */
export class MethodFailed extends Error {
  constructor(message: string) {
    super(message);
    this.name = "MethodFailed";
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

  /** @param send gives the call to the device under the id that the answer will have */
  constructor(private readonly send: (id: string, name: string, payload: Uint8Array) => void) {}

  /** Raises MethodFailed: too many wait, no answer within `limits.methodMs`, or the device has gone. */
  call(name: string, payload: Uint8Array): Promise<MethodAnswer> {
    if (this.open.size >= limits.methodCalls) {
      return Promise.reject(new MethodFailed(`${limits.methodCalls} calls wait for the device already`));
    }
    const id = String(++this.last);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.open.delete(id);
        reject(new MethodFailed("the device did not answer in time"));
      }, limits.methodMs);
      timer.unref();
      this.open.set(id, { resolve, reject, timer });
      this.send(id, name, payload);
    });
  }

  /** An answer that nobody waits for any more has no effect. */
  answered(id: string, answer: MethodAnswer): void {
    this.take(id)?.resolve(answer);
  }

  /** The device has gone. */
  end(): void {
    for (const id of [...this.open.keys()]) this.take(id)?.reject(new MethodFailed("the device has gone"));
  }

  private take(id: string): Open | undefined {
    const open = this.open.get(id);
    this.open.delete(id);
    clearTimeout(open?.timer);
    return open;
  }
}
