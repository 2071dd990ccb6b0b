import { createHmac } from "node:crypto";
import { encode } from "cborg";

/** The key with which the documentation of the format signs its example. */
export const DOCUMENTED_KEY = "fed53116f20684c067774ebf9e7bcbdc";

/** The example of that documentation, 344 bytes. */
export const DOCUMENTED = Buffer.from(
  "a36970726f746563746564a36376657262763163616c67654853323536636961741a5d3add3d697369676e6174757265784062306565" +
    "303537326131393834623933623662633536653635373665326362626436626363643635643063333536653236623331626263396134" +
    "383231306336677061796c6f6164a56b6465766963655f6e616d657161633a38373a61333a30613a32643a31626b6465766963655f74" +
    "79706573444953434f2d4c34373556472d494f543031416b696e74657276616c5f6d730a6773656e736f727383a2646e616d65646163" +
    "635865756e697473646d2f7332a2646e616d65646163635965756e697473646d2f7332a2646e616d65646163635a65756e697473646d" +
    "2f73326676616c7565739f83fac11cf5c3fa3cf5c28ffa3f9ae14883fac11d47aefa3d23d70afa3fa3d70a83fac111eb85fa3cf5c28f" +
    "fa3f9d70a483fac1123d71fa3c23d70af93d00ff",
  "hex",
);

export const ZEROS = "0".repeat(64);

export interface MadeUp {
  readonly protected?: object;
  readonly signature?: string;
  readonly payload?: object;
}

/** A document of two axes, or what is given instead. */
export function made({ payload, ...rest }: MadeUp = {}): object {
  return {
    protected: { ver: "v1", alg: "HS256", iat: 1_564_128_599 },
    signature: ZEROS,
    payload: {
      ...{ device_name: "ac:87", device_type: "BOARD", interval_ms: 10 },
      sensors: [
        { name: "accX", units: "m/s2" },
        { name: "accY", units: "m/s2" },
      ],
      values: [
        [1, -2.5],
        [3, 4],
        [5, 6e-3],
      ],
      ...payload,
    },
    ...rest,
  };
}

export function json(document: object): Buffer {
  return Buffer.from(JSON.stringify(document));
}

export function cbor(document: object): Buffer {
  return Buffer.from(encode(document));
}

/** Signed as devices do: over the bytes with zeros in the place of the signature. */
export function signed(bytes: Buffer, key: string): Buffer {
  const at = bytes.indexOf(ZEROS);
  const signature = createHmac("sha256", key).update(bytes).digest("hex");
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(signature), bytes.subarray(at + ZEROS.length)]);
}
