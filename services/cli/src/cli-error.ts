/** What a person is told when a command cannot be carried out: what is the matter, and what to do next. */
export class CliError extends Error {
  readonly hint: string | undefined;
  /** The HTTP status, where a server refused. */
  readonly status: number | undefined;

  constructor(
    message: string,
    options: { hint?: string | undefined; status?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = "CliError";
    this.hint = options.hint;
    this.status = options.status;
  }
}
