/** What was put. */
export interface PutObject {
  readonly bytes: number;
  readonly sha256: Uint8Array;
}

/** Bytes of an object: from the one at `from` up to, and without, the one at `to`. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * Where large data are kept. A name is `<namespace id>/<the rest>`: what is stored of a namespace can be removed at
 * once. Every method raises {@link ObjectsUnavailable} when the storage does not answer or is full.
 */
export interface ObjectStore {
  /** Durable when it resolves. Where `content` raises, so does this, and nothing is left. A name that is there is replaced. */
  put(name: string, content: AsyncIterable<Uint8Array>): Promise<PutObject>;
  /** Raises {@link NoSuchObject} before the first bytes. */
  get(name: string, range?: Range): AsyncIterable<Uint8Array>;
  /** Of one that is not there: nothing. */
  delete(name: string): Promise<void>;
  /**
   * The names that begin so, `<namespace id>/` being the shortest beginning, as they are in the meantime.
   *
   * @param before only of what was put before then, by the storage's clock; ms since 1970 UTC
   */
  list(prefix: string, before?: number): AsyncIterable<string>;
  /** Everything whose name begins so, `<namespace id>/` being the shortest. Returns how many objects, as far as it is known. */
  deleteAll(prefix: string): Promise<number>;
}

export class NoSuchObject extends Error {
  override readonly name = "NoSuchObject";
  constructor(readonly object: string) {
    super(`there is no object ${object}`);
  }
}

/** The storage does not answer, or takes no more. */
export class ObjectsUnavailable extends Error {
  override readonly name = "ObjectsUnavailable";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** The namespace in an object's name. Raises TypeError for what is no name. */
export function namespaceOfName(name: string): string {
  const slash = name.indexOf("/");
  if (slash < 1) throw new TypeError(`not a name of an object: ${name}`);
  return name.slice(0, slash);
}
