import { createHmac } from "node:crypto";
import { encode } from "cborg";

const ZEROS = "0".repeat(64);

/** A document as a board makes it, with what is given instead. */
export function acquisition(payload: object = {}, alg = "HS256"): object {
  return {
    protected: { ver: "v1", alg, iat: 1_564_128_599 },
    signature: alg === "none" ? "00" : ZEROS,
    payload: {
      ...{ device_name: "15:FE:90:11:1D:18", device_type: "PORTENTA_H7_M7", interval_ms: 10 },
      sensors: ["accX", "accY", "accZ"].map((name) => ({ name, units: "m/s2" })),
      values: [
        [-9.81, 0.03, 1.21],
        [-9.83, 0.04, 1.27],
      ],
      ...payload,
    },
  };
}

export function json(document: object): Buffer {
  return Buffer.from(JSON.stringify(document));
}

export function cbor(document: object): Buffer {
  return Buffer.from(encode(document));
}

/** Signed over its bytes, with zeros in the place of the signature. */
export function signed(bytes: Buffer, key: string): Buffer {
  const at = bytes.indexOf(ZEROS);
  const signature = createHmac("sha256", key).update(bytes).digest("hex");
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(signature), bytes.subarray(at + ZEROS.length)]);
}

/** A RIFF file of 16 bits a value. */
export function wav(perSecond: number, values: readonly number[], channels = 1): Buffer {
  const data = Buffer.from(new Int16Array(values).buffer);
  const head = Buffer.alloc(44);
  head.write("RIFF", 0, "latin1");
  head.writeUInt32LE(36 + data.length, 4);
  head.write("WAVEfmt ", 8, "latin1");
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(channels, 22);
  head.writeUInt32LE(perSecond, 24);
  head.writeUInt32LE(perSecond * channels * 2, 28);
  head.writeUInt16LE(channels * 2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36, "latin1");
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]);
}
