import { fromBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import { BYTES, ifPlain, NOT_PLAIN, tag, VARINT, WireReader } from "../wire-reader.js";
import { type Published, told } from "./read.js";

// A SignalBatch by hand, of which only plain messages are looked at; a publication is kept as it is.

const SIGNALS = tag(1, BYTES);
const DEVICE = tag(1, BYTES);
const IDENTITY = tag(2, BYTES);
const RECEIVED_AT = tag(4, VARINT);
const OCCURRED_AT = tag(5, VARINT);
const SENT_AT = tag(6, VARINT);
const PUBLICATION = tag(9, BYTES);
const FIRST_BODY = tag(16, BYTES);
const MESSAGE = tag(20, BYTES);
/** Digest, location, trace parent, other bodies. */
const GONE_OVER = new Set([3, 7, 8, 16, 17, 18, 19, 21, 22].map((number) => tag(number, BYTES)));
const KNOWN = 22;
const LAST_BODY = tag(KNOWN, BYTES);

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

class MessagesReader extends WireReader {
  batch(): QuickSignal[] {
    const found: QuickSignal[] = [];
    while (this.at < this.bytes.length) {
      if (this.varint() !== SIGNALS) throw NOT_PLAIN;
      found.push(this.signal(this.end()));
    }
    return found;
  }

  private signal(end: number): QuickSignal {
    let device = "";
    let identity = "";
    let receivedAt = 0;
    let publication: Uint8Array | undefined;
    let payload: Uint8Array | undefined;
    let bodies = 0;
    while (this.at < end) {
      const field = this.varint();
      // Of several bodies the last one counts, which is for the generated reader to find out.
      if (field >= FIRST_BODY && field <= LAST_BODY && bodies++ > 0) throw NOT_PLAIN;
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
