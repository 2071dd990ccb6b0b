/** Milliseconds after which a check that has not answered counts as failed. */
const CHECK_MS = 2_000;

/** A reason why not ready, or undefined. Throwing is a reason as well. */
export type HealthCheck = () => Promise<string | undefined>;

export interface HealthReport {
  readonly ready: boolean;
  /** By name: "ok", or the reason. */
  readonly checks: Readonly<Record<string, string>>;
}

/** What must hold for this process to take work. */
export class Health {
  readonly #checks = new Map<string, HealthCheck>();
  readonly #parent: { health: Health; prefix: string } | undefined;

  constructor(parent?: { health: Health; prefix: string }) {
    this.#parent = parent;
  }

  add(name: string, check: HealthCheck): void {
    if (this.#checks.has(name)) throw new Error(`there is a health check ${name} already`);
    this.#checks.set(name, check);
    this.#parent?.health.add(`${this.#parent.prefix}.${name}`, check);
  }

  /**
   * One service's part of this process's health: its checks appear here as `<service>.<name>`. Asked for a
   * report it gives the whole, since a person asks the process, at whichever service's port.
   */
  part(service: string): Health {
    return new Health({ health: this, prefix: service });
  }

  /** Runs all checks at once; each has 2 s. */
  async report(): Promise<HealthReport> {
    if (this.#parent) return this.#parent.health.report();
    const checks: Record<string, string> = {};
    await Promise.all(
      [...this.#checks].map(async ([name, check]) => {
        checks[name] = "did not answer";
        checks[name] = (await outcome(check)) ?? "ok";
      }),
    );
    return { ready: Object.values(checks).every((result) => result === "ok"), checks };
  }
}

async function outcome(check: HealthCheck): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, CHECK_MS, `no answer within ${CHECK_MS} ms`);
  });
  try {
    return await Promise.race([check(), late]);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    clearTimeout(timer);
  }
}
