import { limits } from "@fieldlog/contracts";
import { beforeAll, describe, expect, it } from "vitest";
import { type Acquisition, readAcquisition } from "./document.js";
import { cbor, DOCUMENTED, DOCUMENTED_KEY, json, made, signed, ZEROS } from "./documents.fixture.js";
import { checkSignature } from "./signature.js";
import { acquisitionCsv, acquisitionJson } from "./values-text.js";

const rows = (acquisition: Acquisition) => Array.from(acquisition.rows(), (row) => [...row]);
const refusalOf = async (bytes: Uint8Array) => {
  try {
    await readAcquisition(bytes);
  } catch (error) {
    return (error as { detail?: string }).detail ?? String(error);
  }
  return "nothing is wrong";
};

describe("a document", () => {
  it("of the format's documentation is read, and its signature is good with the key as text, not as hex", async () => {
    expect(DOCUMENTED).toHaveLength(344);
    const read = await readAcquisition(DOCUMENTED);
    expect(read).toMatchObject({
      ...{ encoding: "cbor", issuedAt: 1_564_138_813, deviceName: "ac:87:a3:0a:2d:1b" },
      ...{ deviceType: "DISCO-L475VG-IOT01A", intervalMs: 10, rowCount: 4, documentBytes: 344, files: [] },
      axes: ["accX", "accY", "accZ"].map((name) => ({ name, units: "m/s2" })),
      signed: { algorithm: "HS256", begin: 50, end: 114 },
    });
    expect(rows(read)[3]).toEqual([-9.140000343322754, 0.009999999776482582, 1.25]);
    expect(await checkSignature(DOCUMENTED, read.signed, ["another", DOCUMENTED_KEY])).toBe("valid");
    expect(await checkSignature(DOCUMENTED, read.signed, ["another"])).toBe("invalid");
    const asHex = Buffer.from(DOCUMENTED_KEY, "hex").toString("latin1");
    expect(await checkSignature(DOCUMENTED, read.signed, [asHex])).toBe("invalid");
  });

  it.each([
    ["JSON", json],
    ["CBOR", cbor],
  ])("in %s is read the same way, with fields that nobody knows and a null for a name", async (_, encode) => {
    const nested = { note: [{ a: [null, true, -1, "ü\n"] }] };
    const document = { ...made({ payload: { device_name: null, extra: nested } }), more: [[[]], {}, ""] };
    const read = await readAcquisition(encode(document));
    expect(read).toMatchObject({ deviceName: undefined, deviceType: "BOARD", intervalMs: 10, rowCount: 3 });
    expect(rows(read)).toEqual([
      [1, -2.5],
      [3, 4],
      [5, 0.006],
    ]);
    expect(rows(read), "once more").toHaveLength(3);
  });

  it("may have its numbers flat if there is one axis, floats for its interval, and what is missing in it", async () => {
    const sensors = [{ name: "Illumination" }];
    const payload = { interval_ms: 16.5, sensors, values: [5, null, 7] };
    for (const bytes of [json(made({ payload })), cbor(made({ payload }))]) {
      const read = await readAcquisition(bytes);
      expect([read.intervalMs, read.axes, rows(read)]).toEqual([
        16.5,
        [{ name: "Illumination", units: "" }],
        [[5], [Number.NaN], [7]],
      ]);
    }
    expect((await readAcquisition(json(made({ payload: { values: [] } })))).rowCount).toBe(0);
  });

  it.each(["Ref-BINARY-i16", "Ref-Binary-I16     "])(
    "may have its numbers behind it: %j",
    async (reference) => {
      const payload = {
        interval_ms: 0.0625,
        sensors: [{ name: "audio", units: "wav" }],
        values: [reference],
      };
      const samples = Buffer.from(new Int16Array([1, -2, 32_767]).buffer);
      for (const head of [json(made({ payload })), cbor(made({ payload }))]) {
        const bytes = signed(Buffer.concat([head, samples, Buffer.from([7])]), "k");
        const read = await readAcquisition(bytes);
        expect(read.valuesBehind).toBe(true);
        expect([read.documentBytes, read.rowCount, rows(read)]).toEqual([
          head.length,
          3,
          [[1], [-2], [32_767]],
        ]);
        expect(await checkSignature(bytes, read.signed, ["k"]), "with what is behind").toBe("valid");
        bytes[bytes.length - 2] = 0;
        expect(await checkSignature(bytes, read.signed, ["k"])).toBe("invalid");
      }
    },
  );

  it.each([
    ["u8", new Uint8Array([1, 255])],
    ["i8", new Int8Array([1, -1])],
    ["u16", new Uint16Array([1, 65_535])],
    ["u32", new Uint32Array([1, 2 ** 32 - 1])],
    ["i32", new Int32Array([1, -1])],
    ["f32", new Float32Array([0.5, -1e30])],
    ["f64", new Float64Array([0.1, -1e300])],
  ])("may have %s behind it, an axis after the other", async (format, numbers) => {
    const head = json(made({ payload: { values: `Ref-BINARY-${format}` } }));
    const read = await readAcquisition(Buffer.concat([head, Buffer.from(numbers.buffer)]));
    expect(rows(read)).toEqual([[...numbers]]);
  });

  it("may refer to files, whose types and sizes it tells", async () => {
    const values = ["Ref-BINARY-image/jpeg (3921 bytes) xyz", "Ref-BINARY-audio/wav"];
    const read = await readAcquisition(json(made({ payload: { interval_ms: 0, values } })));
    expect([read.rowCount, rows(read)]).toEqual([0, []]);
    expect(read.files).toEqual([
      { mediaType: "image/jpeg", bytes: 3921 },
      { mediaType: "audio/wav", bytes: undefined },
    ]);
  });

  it.each([
    ["is neither", Buffer.from("")],
    ["is neither", Buffer.from("[1]")],
    ["is neither", Buffer.from([0x81, 1])],
    ["breaks off", json(made()).subarray(0, -1)],
    ["breaks off", cbor(made()).subarray(0, -1)],
    ["goes on", Buffer.concat([json(made()), Buffer.from(" x")])],
    ["has no protected", json({ signature: "", payload: (made() as { payload: object }).payload })],
    ["version v1", json(made({ protected: { ver: "v2", alg: "none" } }))],
    ["has no alg", json(made({ protected: { ver: "v1" } }))],
    ["has a signature that is no text", json({ ...made(), signature: 7 })],
    ["has no device_type", json(made({ payload: { device_type: "" } }))],
    ["has a device_type with a NUL", json(made({ payload: { device_type: "a\u0000" } }))],
    ["has a interval_ms", json(made({ payload: { interval_ms: -1 } }))],
    ["has a interval_ms", cbor(made({ payload: { interval_ms: Number.NaN } }))],
    ["has no sensors", json(made({ payload: { sensors: [] } }))],
    ["has something else", json(made({ payload: { sensors: ["accX"] } }))],
    ["more than 256 sensors", json(made({ payload: { sensors: Array(257).fill({ name: "a" }) } }))],
    [
      "has 3 values in row 2",
      json(
        made({
          payload: {
            values: [
              [1, 2],
              [1, 2, 3],
            ],
          },
        }),
      ),
    ],
    ["has 1 values in a row, of 2 axes", json(made({ payload: { values: [1, 2] } }))],
    ["has a value that is no number", json(made({ payload: { values: [[1, [2]]] } }))],
    ["has a value that is no number", json(made({ payload: { values: [true] } }))],
    ["has values that are no list", json(made({ payload: { values: 7 } }))],
    ["has numbers and texts", json(made({ payload: { values: [[1, 2], "Ref-BINARY-i16"] } }))],
    ["something else than Ref-BINARY", json(made({ payload: { values: ["i16"] } }))],
    ["too many files", json(made({ payload: { values: Array(65).fill("Ref-BINARY-image/jpeg") } }))],
    ["a field twice", Buffer.from('{"signature":"","signature":""}')],
    ["more than 256 fields", json(Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`k${i}`, 0])))],
    ["a text of more than 1024 bytes", json(made({ payload: { device_name: "x".repeat(1_025) } }))],
    ["not UTF-8", Buffer.from('{"\xff":1}', "latin1")],
    ["nested too deeply", Buffer.from(`{"a":${"[".repeat(100_000)}`)],
    ["nested too deeply", Buffer.concat([Buffer.from([0xa1, 0x61, 0x61]), Buffer.alloc(100_000, 0x81)])],
    ["breaks off", Buffer.from("a16161bbffffffffffffffff", "hex")],
    ["breaks off", Buffer.from("a161617bffffffffffffffff", "hex")],
    ["is not CBOR", Buffer.from("a16161ff", "hex")],
    ["is not CBOR", Buffer.from("a161615f", "hex")],
    ["is not JSON", Buffer.from('{"a":01}')],
    ["is not JSON", Buffer.from('{"a":[1,]}')],
    ["is not JSON", Buffer.from('{"a" 1}')],
    ["is not JSON", Buffer.from('{"a":nul}')],
    ["is not JSON", Buffer.from("{1:2}")],
    ["without an end", Buffer.from('{"a\n":1}')],
    ["has a text that is not JSON", Buffer.from('{"\\x":1}')],
  ])("that %s is refused", async (detail, bytes) => {
    expect(await refusalOf(bytes)).toContain(detail);
  });

  it("that is long lets others have their turn while it is read", async () => {
    const values = Array(200_000).fill([1, -2.5]);
    for (const document of [
      made({ payload: { values } }),
      made({ payload: { unknown: values, values: [] } }),
    ]) {
      let turns = 0;
      const others = setInterval(() => turns++, 0);
      const read = await readAcquisition(json(document));
      clearInterval(others);
      expect(read).toMatchObject({ deviceType: "BOARD" });
      expect(turns).toBeGreaterThan(1);
    }
    await expect(readAcquisition(Buffer.from("[]"))).rejects.toThrow("neither");
  });

  it("of a million empty lists is refused without making any of them", async () => {
    const before = process.memoryUsage().heapUsed;
    const bomb = Buffer.concat([Buffer.from([0xa1, 0x61, 0x61, 0x9f]), Buffer.alloc(4_000_000, 0x80)]);
    expect(await refusalOf(bomb)).toContain("breaks off");
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024);
    expect(await refusalOf(Buffer.alloc(limits.acquisitionBytes + 1, "{"))).toContain("more than");
  });
});

describe("a signature", () => {
  it("covers the bytes as they came, whatever stands between them", async () => {
    const pretty = Buffer.from(JSON.stringify(made(), undefined, 3));
    const bytes = signed(pretty, "0f".repeat(16));
    const { signed: place } = await readAcquisition(bytes);
    expect(await checkSignature(bytes, place, ["0f".repeat(16)])).toBe("valid");
    expect(
      await checkSignature(Buffer.from(bytes.toString().replace("3,", "4,")), place, ["0f".repeat(16)]),
    ).toBe("invalid");
  });

  it.each([
    ["none", "00", "unsigned"],
    ["none", ZEROS, "unsigned"],
    ["none", "", "unsigned"],
    ["HS256", "", "invalid"],
    ["HS256", ZEROS, "invalid"],
    ["HS256", "not hex".padEnd(64, "x"), "invalid"],
    ["RS256", "ab".repeat(32), "invalid"],
  ])("of %s that is %j is %s", async (alg, signature, state) => {
    const bytes = json(made({ protected: { ver: "v1", alg }, signature }));
    expect(await checkSignature(bytes, (await readAcquisition(bytes)).signed, ["k"])).toBe(state);
  });
});

describe("values as text", () => {
  const sensors = [{ name: 'say "x", y' }, { name: "z" }];
  const values = [
    [1, null],
    [2.5, -3],
  ];
  let read: Acquisition;
  beforeAll(async () => {
    read = await readAcquisition(json(made({ payload: { interval_ms: 0.1, sensors, values } })));
  });

  it("are CSV", () => {
    expect([...acquisitionCsv(read)].join("")).toBe('timestamp,"say ""x"", y",z\r\n0,1,\r\n0.1,2.5,-3\r\n');
  });

  it("are JSON", async () => {
    expect(JSON.parse([...acquisitionJson(read)].join(""))).toMatchObject({ intervalMs: 0.1, values });
    const none = await readAcquisition(json(made({ payload: { values: [] } })));
    expect(JSON.parse([...acquisitionJson(none)].join(""))).toMatchObject({
      values: [],
    });
  });

  it("come in pieces, so that many are never one text", async () => {
    const many = await readAcquisition(json(made({ payload: { values: Array(20_000).fill([1, 2]) } })));
    for (const pieces of [[...acquisitionCsv(many)], [...acquisitionJson(many)]]) {
      expect(pieces.length).toBeGreaterThan(5);
      expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(17_000);
    }
    expect(JSON.parse([...acquisitionJson(many)].join("")).values).toHaveLength(20_000);
  });
});
