import { token } from "@fieldlog/contracts";

/** What the names of a device's objects begin with. */
export function folderOf(namespace: string, device: string): string {
  return `${namespace}/~streams/${token(device)}/`;
}

/** The name of a message's object: the same each time that it is stored. */
export function objectOf(namespace: string, device: string, position: number): string {
  return `${folderOf(namespace, device)}messages/${position}`;
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
