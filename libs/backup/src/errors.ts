/** Why a backup was not made, or not put back; `hint`: what to do. */
export class BackupError extends Error {
  override readonly name = "BackupError";
  readonly hint: string | undefined;

  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.hint = options.hint;
  }
}
