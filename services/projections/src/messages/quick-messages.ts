import { fromBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import {
  BatchReader,
  DEVICE,
  IDENTITY,
  isBody,
  KNOWN,
  MESSAGE,
  OCCURRED_AT,
  PUBLICATION,
  RECEIVED_AT,
  SENT_AT,
} from "../batch-reader.js";
import { BYTES, ifPlain, NOT_PLAIN, tag } from "../wire-reader.js";
import { type Published, told } from "./read.js";

// A SignalBatch by hand, of which only plain messages are looked at; a publication is kept as it is.

/** Digest, location, trace parent, other bodies. */
const GONE_OVER = new Set([3, 7, 8, 16, 17, 18, 19, 21, 22].map((number) => tag(number, BYTES)));

const PAYLOAD = tag(1, BYTES);

/** Of one signal of a batch; `published` is absent where it holds no plain message. */
export interface QuickSignal {
  readonly device: string;
  readonly published: Published | undefined;
}

/** The signals of a commit; undefined: not in the plain form, or no batch at all. */
export function quickMessages(data: Uint8Array): QuickSignal[] | undefined {
  return ifPlain(() => new MessagesReader(data).batch());
}

class MessagesReader extends BatchReader<QuickSignal> {
  protected signal(end: number): QuickSignal {
    let device = "";
    let identity = "";
    let receivedAt = 0;
    let publication: Uint8Array | undefined;
    let payload: Uint8Array | undefined;
    let bodies = 0;
    while (this.at < end) {
      const field = this.varint();
      // Of several bodies the last one counts, which is for the generated reader to find out.
      if (isBody(field) && bodies++ > 0) throw NOT_PLAIN;
      if (field === DEVICE) device = this.text();
      else if (field === IDENTITY) identity = this.text();
      else if (field === RECEIVED_AT) receivedAt = this.varint();
      else if (field === OCCURRED_AT || field === SENT_AT) this.varint();
      else if (field === PUBLICATION && !publication) publication = this.part();
      else if (field === MESSAGE) payload = this.message(this.end());
      else if (GONE_OVER.has(field)) this.at = this.end();
      else this.skip(field, KNOWN);
    }
    this.mustBeAt(end);
    if (payload === undefined) return { device, published: undefined };
    const bytes = publication ?? NOTHING;
    const said = told(fromBinary(signals.PublicationSchema, bytes));
    return { device, published: { identity, receivedAt, payload, publication: bytes, ...said } };
  }

  private message(end: number): Uint8Array {
    let payload: Uint8Array = NOTHING;
    while (this.at < end) {
      const field = this.varint();
      if (field === PAYLOAD) payload = this.part();
      else this.skip(field, 1);
    }
    this.mustBeAt(end);
    return payload;
  }
}

const NOTHING = new Uint8Array();
