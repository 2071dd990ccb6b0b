/** What is refused of samples and models. Each holds what its sender needs to know; `refusal` in `rpc.ts` tells it to callers. */
export class UnknownSample extends Error {
  override readonly name = "UnknownSample";
  constructor() {
    super("no such sample");
  }
}

/** There is one of the same content, and there may be no other. */
export class AlreadyStored extends Error {
  override readonly name = "AlreadyStored";
  constructor() {
    super("a sample of this content is stored already");
  }
}

/** One of the same content is being stored: whether it will be is not known yet. */
export class ContentUnderWay extends Error {
  override readonly name = "ContentUnderWay";
  constructor() {
    super("a sample of this content is just being stored");
  }
}

/** The namespace holds as much as it may. */
export class StorageFull extends Error {
  override readonly name = "StorageFull";
  constructor() {
    super("the namespace holds as many bytes as it may");
  }
}

/** What was put is not there any more: the namespace was cleared, or the device erased, meanwhile. */
export class ContentGone extends Error {
  override readonly name = "ContentGone";
  constructor() {
    super("what was stored was removed meanwhile; send it again");
  }
}

export class UnknownModel extends Error {
  override readonly name = "UnknownModel";
  constructor() {
    super("no such model");
  }
}

/** The namespace has as many models as it may. */
export class TooManyModels extends Error {
  override readonly name = "TooManyModels";
  constructor(readonly limit: number) {
    super(`the namespace has ${limit} models, and may have no more`);
  }
}
