/** What a person sees. Lines only, so that it reads as well in a file. */
export class Screen {
  readonly #started = Date.now();

  constructor(
    private readonly out: NodeJS.WriteStream,
    private readonly err: NodeJS.WriteStream,
    private readonly color: boolean,
  ) {}

  /** Something is under way. */
  step(message: string): void {
    const seconds = ((Date.now() - this.#started) / 1000).toFixed(1);
    this.out.write(`${this.dim(`${seconds.padStart(5)} s`)}  ${message}\n`);
  }

  print(text: string): void {
    this.out.write(`${text}\n`);
  }

  problem(message: string): void {
    this.err.write(`${this.#paint("33", message)}\n`);
  }

  dim(text: string): string {
    return this.#paint("2", text);
  }

  #paint(code: string, text: string): string {
    return this.color ? `\u001b[${code}m${text}\u001b[0m` : text;
  }
}
