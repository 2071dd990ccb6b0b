/** Files of training data, by how their names end. What is none of these is a file of bytes. */
const BY_EXTENSION: Readonly<Record<string, string>> = {
  json: "application/json",
  cbor: "application/cbor",
  csv: "text/csv",
  txt: "text/plain",
  wav: "audio/wav",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  png: "image/png",
  mp4: "video/mp4",
  avi: "video/x-msvideo",
  parquet: "application/vnd.apache.parquet",
};
const KNOWN = new Set(Object.values(BY_EXTENSION));
/** A file of which nothing else is known. */
export const BYTES = "application/octet-stream";

/** In small letters; empty: none that is known. */
export function extensionOf(fileName: string): string {
  const [, extension = ""] = /\.([A-Za-z0-9]{1,8})$/.exec(fileName) ?? [];
  const small = extension.toLowerCase();
  return Object.hasOwn(BY_EXTENSION, small) ? small : "";
}

/** By its name, else what its sender says. Nothing that a browser would run: it is given back as what it is here. */
export function mediaTypeOf(fileName: string, given: string): string {
  const said = given.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  return BY_EXTENSION[extensionOf(fileName)] ?? (KNOWN.has(said) ? said : BYTES);
}

/** Bytes at the beginning of a file within which its header stands. */
export const HEAD_BYTES = 64 * 1024;

/** What a recording says of itself. */
export interface Recording {
  /** Milliseconds between two values. */
  readonly intervalMs: number;
  /** Values of each channel. */
  readonly values: number;
  readonly channels: number;
}

/**
 * Of a WAV file (RIFF, `fmt ` and `data`). Undefined: it is none, or says nothing that makes sense.
 *
 * @param head its first bytes
 * @param bytes of the whole file
 */
export function wavOf(head: Buffer, bytes: number): Recording | undefined {
  if (head.toString("latin1", 0, 4) !== "RIFF" || head.toString("latin1", 8, 12) !== "WAVE") return undefined;
  let channels = 0;
  let perSecond = 0;
  let bytesPerValue = 0;
  for (let at = 12; at + 8 <= head.length; ) {
    const kind = head.toString("latin1", at, at + 4);
    const length = head.readUInt32LE(at + 4);
    const begin = at + 8;
    if (kind === "fmt " && begin + 16 <= head.length) {
      channels = head.readUInt16LE(begin + 2);
      perSecond = head.readUInt32LE(begin + 4);
      bytesPerValue = head.readUInt16LE(begin + 12);
    } else if (kind === "data") {
      if (channels === 0 || perSecond === 0 || bytesPerValue === 0) return undefined;
      // Who wrote it while it was recorded did not know how long it would be.
      const values = Math.floor(Math.min(length, bytes - begin) / bytesPerValue);
      return { intervalMs: 1000 / perSecond, values, channels };
    }
    at = begin + length + (length % 2);
  }
  return undefined;
}
