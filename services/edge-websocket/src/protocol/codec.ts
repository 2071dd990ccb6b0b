import { encode } from "cborg";
import { decodeCbor } from "../decode-cbor.js";

export type Encoding = "json" | "cbor";

/** Subprotocols in the order in which the server prefers them. */
export const SUBPROTOCOLS: Readonly<Record<string, Encoding>> = {
  "fieldlog.json": "json",
  "fieldlog.cbor": "cbor",
};

/** What came is no message of the encoding that was agreed on. */
export class Undecodable extends Error {
  override readonly name = "Undecodable";
}

/** Raises Undecodable. */
export function decodeMessage(encoding: Encoding, data: Buffer, isBinary: boolean): unknown {
  if (isBinary !== (encoding === "cbor")) {
    throw new Undecodable(`${encoding} comes in ${encoding === "cbor" ? "binary" : "text"} frames`);
  }
  try {
    return encoding === "json" ? JSON.parse(data.toString()) : decodeCbor(data);
  } catch (error) {
    throw new Undecodable(`not ${encoding === "json" ? "JSON" : "CBOR"}: ${(error as Error).message}`);
  }
}

export function encodeMessage(encoding: Encoding, message: object): Buffer {
  if (encoding === "json") return Buffer.from(JSON.stringify(message));
  const bytes = encode(message);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
