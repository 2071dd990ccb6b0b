import { CredrcError, credrcIn } from "@fieldlog/cli/decoders";
import { limits } from "@fieldlog/contracts";
import { PacketReader, ProtocolError } from "@fieldlog/device-client/decoders";
import * as http from "@fieldlog/edge-http/decoders";
import { decoding, headerOf, jsons, partsOf, type Target, textOf, texts } from "../target.js";

const CREDRC = [
  ...["SSL: false", "approot: /", "database:", "  type: sqlite", "host: '*'", "pingtimeout: 240"],
  ...["port: 5000", "scheduler: True", "schedulerPeriod: 30"],
].join("\n");

/** A line of the content type, then the body. */
function cred(input: Uint8Array): void {
  const [type, body] = partsOf(input, 2) as [Buffer, Buffer];
  const fields = http.readCredFields(body, headerOf(type));
  for (const [name, value] of fields) http.readText(value, name);
  http.readCredEvent(fields);
  http.readSubscribe(fields.get("subscribe"));
}

function tentaQuery(input: Uint8Array): void {
  const query = http.readQuery(`/?${headerOf(input)}`, ["direction", "revision", "creation_timestamp", "a"]);
  for (const name of ["revision", "creation_timestamp"] as const) {
    const { at } = http.readCursor(query, name);
    if (at !== undefined && !Number.isFinite(at)) throw new Error(`a cursor at ${at}`);
  }
  http.readFlag(query, "a");
}

const body = (name: string, seeds: Uint8Array[], run: Target["run"]): Target => ({
  ...{ name, shape: "json", seeds, run, mostBytes: limits.bodyBytes },
});
const tenta = { raises: [http.TentaRefusal] };
const line = { shape: "text", mostBytes: limits.headerBytes } as const;

/** What cred's and tenta's clients send by HTTP, cred's file of settings, and what a broker answers to a device. */
export const dialectTargets: readonly Target[] = [
  {
    ...{
      name: "cred/body",
      shape: "bytes",
      mostBytes: limits.bodyBytes,
      words: ["null", "1.0", "1e400", "{", "["],
    },
    seeds: texts(
      'application/json\n{"event":{"name":"a","location":"Hall","action":[1,2.50,{"a":null}],"value":1e5}}',
      'application/json\n{"apikey":"x","subscribe":{"Light":{"location":"Hall"},"Door":"a"}}',
      "application/x-www-form-urlencoded\napikey=a%20b&submit=c",
    ),
    run: decoding(cred, { raises: [http.CredRefusal] }),
  },
  {
    ...{ ...line, name: "cred/window", words: ["limit=", "before=", "after=", "offset=", "full="] },
    seeds: texts("full=true&before=5&after=1&limit=10&offset=2"),
    run: decoding((input) => http.readWindow(new URLSearchParams(headerOf(input))), {
      raises: [http.CredRefusal],
    }),
  },
  {
    ...{ ...line, name: "cred/cookie", words: ["sessionKey=", '"', "; "] },
    seeds: texts('a=b; sessionKey="abc" ; c=d', "sessionKey=abc"),
    run: decoding((input) => http.sessionKeyIn(headerOf(input)), { refuses: (key) => key === undefined }),
  },
  {
    // A file of one's own, which the package yaml reads: slowly, but no slower for each byte of a longer one.
    ...{ name: "cred/credrc", shape: "text", seeds: texts(CREDRC), mostBytes: 4 * 1024 },
    words: [...CREDRC.split("\n"), "&a", "*a", "<<: ", "!!", "---\n", "\t", "|\n"],
    run: decoding((input) => credrcIn(textOf(input)), { raises: [CredrcError] }),
  },
  body(
    "tenta/credentials",
    jsons({ user_name: "a-b", password: "12345678" }, {}),
    decoding((input) => http.readTentaFields(http.Credentials, input), tenta),
  ),
  body(
    "tenta/configuration",
    jsons({ a: [1, { b: 1.5 }] }, {}),
    decoding(http.readConfiguration, { ...tenta, encode: (json) => Buffer.from(json) }),
  ),
  {
    ...{
      ...line,
      name: "tenta/query",
      words: ["revision=", "creation_timestamp=", "direction=", "_", "inf", "e5"],
    },
    seeds: texts("direction=previous&revision=1_000", "creation_timestamp=1.5e9&a=yes"),
    run: decoding(tentaQuery, tenta),
  },
  {
    ...{ ...line, name: "tenta/path" },
    seeds: texts("a-b\n8d6e2b9c-0000-4000-8000-000000000000"),
    run: decoding((input) => {
      const [user_name = "", sensor = ""] = partsOf(input, 2).map(textOf);
      http.readPath({ user_name, sensor_identifier: sensor });
    }, tenta),
  },
  {
    ...{ name: "device-client/packets", shape: "bytes", mostBytes: limits.mqttPacketBytes },
    seeds: [
      Buffer.from("2009 0000 06 21000a 130005".replaceAll(" ", ""), "hex"),
      Buffer.from("3213 0003612f62 0001 07 2600016b000176 70 61796c".replaceAll(" ", ""), "hex"),
      Buffer.from("40020001 b003000100 9004000200 01 e0020000 d000".replaceAll(" ", ""), "hex"),
    ],
    run: decoding(
      (input) => {
        const reader = new PacketReader(limits.mqttPacketBytes);
        const middle = input.length >> 1;
        reader.push(Buffer.from(input.subarray(0, middle)));
        reader.push(Buffer.from(input.subarray(middle)));
      },
      { raises: [ProtocolError] },
    ),
  },
];
