// For deploy/fuzz: what reads bytes of others.
export { decodeMessage, Undecodable } from "./protocol/codec.js";
export { InvalidMessage, parseMessage } from "./protocol/messages.js";
export { decodeFrame, encodeFrame, Malformed } from "./remote/codec.js";
export { HelloRefused, readHello } from "./remote/hello.js";
export { NoRecord, readRecord } from "./remote/inference/record.js";
export { readNotice } from "./remote/notices.js";
export { NoPicture, pictureIn } from "./remote/snapshots/picture.js";
