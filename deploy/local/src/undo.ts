/** A start was given up because a stop was asked for. */
export class Stopped extends Error {
  constructor() {
    super("stopped while starting");
    this.name = "Stopped";
  }
}

/** What has to be undone, in the reverse order of its doing. */
export class Undo {
  readonly #steps: (() => Promise<void>)[] = [];
  #running: Promise<void> | undefined;

  /** Whether run was called. */
  get begun(): boolean {
    return this.#running !== undefined;
  }

  /** Undone at once when the undoing has begun. */
  add(step: () => Promise<void>): void {
    this.#steps.push(step);
    if (this.#running) this.#running = this.#running.then(() => this.#all());
  }

  /** Raises Stopped when the undoing has begun: no more may be done. */
  check(): void {
    if (this.#running) throw new Stopped();
  }

  /** Undoes everything; a step that fails does not keep the others from it. */
  run(): Promise<void> {
    this.#running ??= this.#all();
    return this.#running;
  }

  async #all(): Promise<void> {
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      await step().catch((error: unknown) => process.stderr.write(`while stopping: ${error}\n`));
    }
  }
}
