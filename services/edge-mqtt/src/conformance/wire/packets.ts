import { framed, prefixed, u8, u16 } from "./bytes.js";
import { type Property, section } from "./properties.js";

/** The protocol level that CONNECT names: 4 is MQTT 3.1.1, 5 is MQTT 5.0. */
export type Version = 4 | 5;

export interface ConnectFields {
  readonly clientId?: string | Uint8Array;
  /** Clean session in 3.1.1. Default true. */
  readonly clean?: boolean;
  /** Seconds; default 60. */
  readonly keepAlive?: number;
  readonly username?: string | Uint8Array;
  readonly password?: string | Uint8Array;
  readonly will?: WillFields;
  readonly properties?: readonly Property[];
  /** What must be wrong on purpose. */
  readonly protocolName?: string;
  readonly level?: number;
  /** Bits that are flipped in the connect flags. */
  readonly flipFlags?: number;
  readonly fixedFlags?: number;
  /** Bytes behind the payload. */
  readonly trailing?: Uint8Array;
}

export interface WillFields {
  readonly topic: string;
  readonly payload?: string;
  readonly qos?: number;
  readonly retain?: boolean;
  readonly properties?: readonly Property[];
}

export interface PublishFields {
  readonly topic: string | Uint8Array;
  readonly payload?: string | Uint8Array;
  readonly qos?: number;
  readonly retain?: boolean;
  readonly dup?: boolean;
  /** The packet identifier; default 1 where QoS is not 0. */
  readonly id?: number;
  readonly properties?: readonly Property[];
}

export interface FilterFields {
  readonly filter: string | Uint8Array;
  readonly qos?: number;
  readonly noLocal?: boolean;
  readonly retainAsPublished?: boolean;
  readonly retainHandling?: number;
  /** Bits that are flipped in the options. */
  readonly flipOptions?: number;
}

export type Packets = ReturnType<typeof packetsOf>;

/** Builders of every packet that a client sends, right or, on purpose, wrong. */
export function packetsOf(version: Version) {
  const five = version === 5;
  const properties = (list?: readonly Property[]) => (five ? section(list) : Buffer.alloc(0));
  /** Without a reason and without properties, the short form. */
  const answer = (type: number, flags: number) => (id: number, reason?: number, list?: readonly Property[]) =>
    framed(
      type,
      flags,
      u16(id),
      ...(five && reason !== undefined ? [u8(reason), ...(list ? [section(list)] : [])] : []),
    );
  return {
    connect: (o: ConnectFields = {}) => {
      const flags =
        (o.username === undefined ? 0 : 0x80) |
        (o.password === undefined ? 0 : 0x40) |
        (o.will ? 0x04 | ((o.will.qos ?? 0) << 3) | (o.will.retain ? 0x20 : 0) : 0) |
        ((o.clean ?? true) ? 0x02 : 0);
      return framed(
        1,
        o.fixedFlags ?? 0,
        prefixed(o.protocolName ?? "MQTT"),
        u8(o.level ?? version),
        u8(flags ^ (o.flipFlags ?? 0)),
        u16(o.keepAlive ?? 60),
        properties(o.properties),
        prefixed(o.clientId ?? ""),
        ...(o.will
          ? [properties(o.will.properties), prefixed(o.will.topic), prefixed(o.will.payload ?? "gone")]
          : []),
        ...(o.username === undefined ? [] : [prefixed(o.username)]),
        ...(o.password === undefined ? [] : [prefixed(o.password)]),
        o.trailing ?? Buffer.alloc(0),
      );
    },
    publish: (o: PublishFields) => {
      const qos = o.qos ?? 0;
      return framed(
        3,
        (o.dup ? 8 : 0) | (qos << 1) | (o.retain ? 1 : 0),
        prefixed(o.topic),
        ...(qos > 0 ? [u16(o.id ?? 1)] : []),
        properties(o.properties),
        Buffer.from((o.payload ?? "") as Uint8Array),
      );
    },
    puback: answer(4, 0),
    pubrec: answer(5, 0),
    pubrel: answer(6, 2),
    pubcomp: answer(7, 0),
    subscribe: (id: number, filters: readonly FilterFields[], list?: readonly Property[], flags = 2) =>
      framed(
        8,
        flags,
        u16(id),
        properties(list),
        ...filters.flatMap((f) => [
          prefixed(f.filter),
          u8(
            ((f.qos ?? 0) |
              (f.noLocal ? 4 : 0) |
              (f.retainAsPublished ? 8 : 0) |
              ((f.retainHandling ?? 0) << 4)) ^
              (f.flipOptions ?? 0),
          ),
        ]),
      ),
    unsubscribe: (id: number, filters: readonly (string | Uint8Array)[], flags = 2) =>
      framed(10, flags, u16(id), properties(), ...filters.map((filter) => prefixed(filter))),
    pingreq: () => framed(12, 0),
    disconnect: (reason?: number, list?: readonly Property[]) =>
      framed(14, 0, ...(five && reason !== undefined ? [u8(reason), ...(list ? [section(list)] : [])] : [])),
    auth: (reason: number, list: readonly Property[] = []) => framed(15, 0, u8(reason), section(list)),
  };
}
