import { limits, saf } from "@fieldlog/contracts";
import { Refusal, refusals } from "./refusal.js";
import { rawSignature, readSigned, type Signed } from "./signed.js";
import { decode } from "./wire.js";

/** Which of its key-values a client asks for; each key once for each time that it stands there. */
export function readKeyValueRequest(
  bytes: Uint8Array,
): { signed: Signed; keys: readonly string[] } | Refusal {
  const message = decode(saf.ClientKeyValueRequestSchema, bytes);
  if (message === undefined) return refusals.undecodable;
  if (message.clientSignature === undefined) return refusals.missing("client_signature");
  const { clientKeys: keys } = message;
  if (keys.length > limits.propertiesPerDevice) {
    return refusals.invalid(`There are more than ${limits.propertiesPerDevice} client_keys.`);
  }
  const signed = readSigned(rawSignature(message.clientSignature));
  return signed instanceof Refusal ? signed : { signed, keys };
}

/** A client asks for a page on which its metadata can be edited. */
export function readEditorTokenRequest(bytes: Uint8Array): { signed: Signed } | Refusal {
  const message = decode(saf.ClientEditorTokenRequestSchema, bytes);
  if (message === undefined) return refusals.undecodable;
  if (message.clientSignature === undefined) return refusals.missing("client_signature");
  const signed = readSigned(rawSignature(message.clientSignature));
  return signed instanceof Refusal ? signed : { signed };
}
