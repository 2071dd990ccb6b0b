/** What can be listed and read as if it were files. */
export const CONTAINERS = ["messages", "batches", "dead-letter"] as const;
export type Container = (typeof CONTAINERS)[number];

/** Names below the container: of group, stream, device, batch and message; or batch and, if it is one, slice; or a position. */
export const DEPTH = { messages: 5, batches: 5, "dead-letter": 1 } as const satisfies Record<
  Container,
  number
>;

/** `messages/<group>/<stream>/…`, with what is between slashes encoded as in URLs. A last name that is empty is left away. */
export function pathOf(container: Container, names: readonly string[]): string {
  const own = names.at(-1) === "" ? names.slice(0, -1) : names;
  return [container, ...own.map(encodeURIComponent)].join("/");
}

/** The names in a path; undefined: nothing can be there. */
export function namesIn(container: Container, path: string): string[] | undefined {
  const [first, ...rest] = path.split("/");
  if (first !== container || rest.length > DEPTH[container]) return undefined;
  try {
    const names = rest.map(decodeURIComponent);
    return names.some((name) => name.includes("\u0000")) ? undefined : names;
  } catch {
    return undefined;
  }
}

/** What paths begin with: whole names, and the beginning of the next. Undefined: none begins so. */
export function within(
  container: Container,
  prefix: string,
): { names: readonly string[]; begins: string } | undefined {
  if (`${container}/`.startsWith(prefix)) return { names: [], begins: "" };
  const names = namesIn(container, prefix);
  if (names === undefined || names.length === 0) return undefined;
  return { names: names.slice(0, -1), begins: names.at(-1) ?? "" };
}
