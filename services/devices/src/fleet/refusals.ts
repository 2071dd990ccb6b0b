export class UnknownFleetTemplate extends Error {
  override readonly name = "UnknownFleetTemplate";
  constructor() {
    super("no such fleet template");
  }
}

/** The namespace has as many as it may. */
export class TooManyFleetTemplates extends Error {
  override readonly name = "TooManyFleetTemplates";
  constructor(limit: number) {
    super(`the namespace has ${limit} fleet templates, and may have no more`);
  }
}
