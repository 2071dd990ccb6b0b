/** What a person is told when a command cannot be carried out: what is the matter, and what to do next. */
export class CliError extends Error {
  readonly hint: string | undefined;
  /** The HTTP status, where a server refused. */
  readonly status: number | undefined;
  /** Told on standard output and without "error:", as the program did that the command stands in for. */
  readonly verbatim: boolean;

  constructor(
    message: string,
    options: { hint?: string | undefined; status?: number; verbatim?: boolean; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = "CliError";
    this.hint = options.hint;
    this.status = options.status;
    this.verbatim = options.verbatim ?? false;
  }
}
