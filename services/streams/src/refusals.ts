/** What is refused. Each holds what its sender needs to know; `refusal` in `rpc.ts` tells it to callers. */
export class NotFound extends Error {
  override readonly name = "NotFound";
  constructor(what: string) {
    super(`no such ${what}`);
  }
}

export class TooMany extends Error {
  override readonly name = "TooMany";
  constructor(what: string, most: number) {
    super(`there are ${most} ${what}, and may be no more`);
  }
}

/** It is not complete yet. */
export class Incomplete extends Error {
  override readonly name = "Incomplete";
  constructor() {
    super("it is not complete yet");
  }
}
