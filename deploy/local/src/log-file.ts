import { createWriteStream, existsSync, openSync, renameSync, type WriteStream } from "node:fs";

/** Bytes after which a log file is set aside. */
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * A file of log lines that never grows over twice 32 MiB: at each start, and when it is full, it becomes
 * `<name>.1`, in place of the one before.
 */
export class LogFile {
  #stream: WriteStream;
  #bytes = 0;

  constructor(
    readonly path: string,
    private readonly maxBytes = MAX_BYTES,
  ) {
    this.#stream = this.#open();
  }

  /** `line` ends in a line feed. */
  write(line: string): void {
    if (this.#bytes > this.maxBytes) {
      const full = this.#stream;
      this.#stream = this.#open();
      full.end();
    }
    this.#bytes += line.length;
    this.#stream.write(line);
  }

  /** Resolves when everything is written. */
  close(): Promise<void> {
    return new Promise((resolve) => this.#stream.end(() => resolve()));
  }

  #open(): WriteStream {
    if (existsSync(this.path)) renameSync(this.path, `${this.path}.1`);
    this.#bytes = 0;
    const stream = createWriteStream(this.path, { fd: openSync(this.path, "a", 0o600) });
    // A full disk must not end the services; they say themselves what they cannot write.
    stream.on("error", () => undefined);
    return stream;
  }
}
