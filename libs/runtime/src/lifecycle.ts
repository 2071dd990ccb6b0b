import type { Logger } from "./logger.js";

/** Something that runs from start to stop. Neither may be called twice. */
export interface LifecyclePart {
  readonly name: string;
  start?(): Promise<void>;
  stop?(): Promise<void>;
  /** Milliseconds that stop may take before the others are stopped regardless; default 10,000. */
  readonly stopMs?: number;
}

export type LifecyclePhase = "new" | "starting" | "started" | "stopping" | "stopped";

const STOP_MS = 10_000;

/** Starts parts in the order in which they were added, and stops them in the reverse order. */
export class Lifecycle {
  readonly #logger: Logger;
  readonly #parts: LifecyclePart[] = [];
  #phase: LifecyclePhase = "new";
  #begun = 0;
  #stopping: Promise<void> | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get phase(): LifecyclePhase {
    return this.#phase;
  }

  /** Before or during start: a part may add others, which start after all that are there. */
  add(part: LifecyclePart): void {
    if (this.#phase !== "new" && this.#phase !== "starting") {
      throw new Error(`cannot add ${part.name}: ${this.#phase}`);
    }
    this.#parts.push(part);
  }

  /** If a part fails, stops those that had begun and throws what it threw. */
  async start(): Promise<void> {
    if (this.#phase !== "new") throw new Error(`cannot start: ${this.#phase}`);
    this.#phase = "starting";
    try {
      for (let part = this.#parts[0]; part; part = this.#parts[this.#begun]) {
        this.#begun++;
        await part.start?.();
        if (this.#stopping) throw new Error("stopped while starting");
        this.#logger.debug({ part: part.name }, "part started");
      }
      this.#phase = "started";
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Never throws: what fails or takes too long is logged, and the others are stopped. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    this.#phase = "stopping";
    for (const part of this.#parts.slice(0, this.#begun).reverse()) {
      try {
        if (part.stop) await within(part.stopMs ?? STOP_MS, part.stop());
        this.#logger.debug({ part: part.name }, "part stopped");
      } catch (err) {
        this.#logger.error({ err, part: part.name }, "part did not stop cleanly");
      }
    }
    this.#phase = "stopped";
  }
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not stopped within ${ms} ms`)), ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
