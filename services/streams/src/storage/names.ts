import { token } from "@fieldlog/contracts";

/** What the names of all devices' objects begin with. */
export function foldersOf(namespace: string): string {
  return `${namespace}/~streams/`;
}

/** What the names of a device's objects begin with. */
export function folderOf(namespace: string, device: string): string {
  return `${foldersOf(namespace)}${token(device)}/`;
}

/** The name of a message's object: the same each time that it is stored. */
export function objectOf(namespace: string, device: string, position: number): string {
  return `${folderOf(namespace, device)}messages/${position}`;
}

/** What the names of all that a namespace's devices upload for their streams begin with. */
export function uploadsOf(namespace: string): string {
  return `${namespace}/~stream-uploads/`;
}

/** What the names of a namespace's packs begin with. */
export function packsOf(namespace: string): string {
  return `${namespace}/~stream-packs/`;
}

/** The positions in a pack's name; undefined: it is none. */
export function positionsOf(object: string): { readonly first: number; readonly last: number } | undefined {
  const [, first, last] = /^[^/]+\/~stream-packs\/(\d+)-(\d+)-[0-9a-f]+$/.exec(object) ?? [];
  return first === undefined ? undefined : { first: Number(first), last: Number(last) };
}

/** The position of the last message in a pack, of the message whose object it is, or of the first one of its batch; undefined: it is none of these. */
export function lastPositionIn(object: string): number | undefined {
  const [, position] = /^[^/]+\/~streams\/[^/]+\/(?:messages|batches)\/(\d+)(?:\/|$)/.exec(object) ?? [];
  return position === undefined ? positionsOf(object)?.last : Number(position);
}
