import { limits } from "@fieldlog/contracts";
import { base64Bytes } from "../base64.js";

/** What a device sends as a picture is none. The message is for the device. */
export class NoPicture extends Error {
  override readonly name = "NoPicture";
}

const START = 0xffd8;
const END = 0xffd9;

/** The JPEG in a `snapshotFrame`, which is base64 (RFC 4648) without line breaks. Raises NoPicture. */
export function pictureIn(frame: unknown): Buffer {
  if (typeof frame !== "string") throw new NoPicture("snapshotFrame: must be a text");
  if (frame.length > (limits.pictureBytes / 3) * 4) {
    throw new NoPicture(`snapshotFrame: must not have more than ${limits.pictureBytes} bytes`);
  }
  const bytes = base64Bytes(frame);
  if (bytes === undefined) throw new NoPicture("snapshotFrame: is not base64");
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== START || bytes.readUInt16BE(bytes.length - 2) !== END) {
    throw new NoPicture("snapshotFrame: is not a JPEG");
  }
  return bytes;
}
