/** Between an id and its source; neither can hold it and be mistaken, because the source is known beside it. */
const BETWEEN = "\n";

/**
 * What tells an event from others of its device: the sender's id, and its source where that is another than the
 * device, because ids are unique per source (CloudEvents 1.0.2, "id"). Empty: nothing does.
 */
export function identityOf(id: string, source: string): string {
  return id === "" || source === "" ? id : `${id}${BETWEEN}${source}`;
}

/** The sender's id that {@link identityOf} was made of. */
export function idOf(identity: string, source: string): string {
  const suffix = `${BETWEEN}${source}`;
  return source !== "" && identity.endsWith(suffix) ? identity.slice(0, -suffix.length) : identity;
}
