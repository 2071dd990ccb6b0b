/** Where something lies in an object that holds several: from the byte at `from` up to, and without, the one at `to`. */
export interface Place {
  readonly object: string;
  readonly from: number;
  readonly to: number;
}

// Storage format: not to be changed.
const IN_PACK = /^(.+)#(\d+)\+(\d+)$/s;

/** What the names of all that lies in a pack begin with. */
export function namesInPack(pack: string): string {
  return `${pack}#`;
}

/** The name by which the bytes are read that lie in a pack; names of objects do not end so. */
export function nameInPack(pack: string, from: number, bytes: number): string {
  return `${namesInPack(pack)}${from}+${bytes}`;
}

/** Of what has an object of its own: all of that. */
export function placeIn(name: string): Place {
  const [, object, from, bytes] = IN_PACK.exec(name) ?? [];
  if (object === undefined) return { object: name, from: 0, to: Number.POSITIVE_INFINITY };
  return { object, from: Number(from), to: Number(from) + Number(bytes) };
}
