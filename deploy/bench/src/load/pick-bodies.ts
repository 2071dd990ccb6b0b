import { clearField, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { saf } from "@fieldlog/contracts";
import { csnDate, type Identity, pickMessage, signature } from "@fieldlog/simulator";

const READING = [0.001852, -0.000741, 0.003105];
const RATE = { count: 3, windowS: 600 };
const [LATITUDE, LONGITUDE] = [34.1365, -118.1253];

/** Times before the sending at which the picks happened, one millisecond apart. */
const TIMES = 1_000;
const NEWEST_MS = 40;

/**
 * What a simulated station sends for a pick, made several hundred thousand times: only the signature differs
 * from device to device and from message to message, so the rest is encoded once for each time of a pick.
 */
export class PickBodies {
  readonly #date: string;
  readonly #rests: Uint8Array[];

  /** `now`: the date of all signatures, ms since 1970 UTC. */
  constructor(now: number) {
    this.#date = csnDate(now);
    this.#rests = Array.from({ length: TIMES }, (_, index) => rest(now, now - NEWEST_MS - index));
  }

  /** The same message as the simulator's `pickMessage`, its signature in front. */
  make(identity: Identity, messageId: number): Buffer {
    const signed = new BinaryWriter()
      .tag(saf.EventMessageSchema.field.clientSignature.number, WireType.LengthDelimited)
      .fork()
      .tag(saf.ClientSignatureSchema.field.date.number, WireType.LengthDelimited)
      .string(this.#date)
      .tag(saf.ClientSignatureSchema.field.messageId.number, WireType.Varint)
      .uint32(messageId)
      .tag(saf.ClientSignatureSchema.field.signature.number, WireType.LengthDelimited)
      .string(signature(this.#date, messageId, identity.secret))
      .join()
      .finish();
    return Buffer.concat([signed, this.#rests[messageId % TIMES] as Uint8Array]);
  }
}

/** All of the message but the signature. The accelerometer of a station that was just registered has the id 0. */
function rest(sentAt: number, time: number): Uint8Array {
  const identity = { clientId: "0", secret: "", sensorId: "0" };
  const pick = { time, reading: READING, rate: RATE, latitude: LATITUDE, longitude: LONGITUDE };
  const message = fromBinary(saf.EventMessageSchema, pickMessage(identity, { sentAt, messageId: 0 }, pick));
  clearField(message, saf.EventMessageSchema.field.clientSignature);
  return toBinary(saf.EventMessageSchema, message);
}
