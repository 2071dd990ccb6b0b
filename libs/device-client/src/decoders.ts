// For deploy/fuzz: what reads bytes of others.
export { PacketReader, ProtocolError } from "./mqtt/reader.js";
export { parseConnection } from "./provisioning/connection-string.js";
export { decodeBag } from "./streams/bag.js";
