import { limits } from "@fieldlog/contracts";
import { lastEventId, Problem } from "@fieldlog/edge-http/decoders";
import { formatTraceParent, parseTraceParent } from "@fieldlog/runtime";
import { CannotOpen, Capabilities, SealingKey } from "@fieldlog/sealing";
import { decoding, headerOf, type Target, texts } from "../target.js";

const capabilities = new Capabilities([Buffer.alloc(32, 1)], "upload");
const sealing = new SealingKey(Buffer.alloc(32, 2));
const TOKEN = capabilities.issue({ namespace: "n", subject: "s", expiresAt: 1 });
const BOX = sealing.seal(Buffer.from("secret"), "here", Buffer.alloc(12, 3));

const line = { shape: "text", mostBytes: limits.headerBytes } as const;

/** What bearers show: nobody makes one himself, nor another one of the same. */
export const tokenTargets: readonly Target[] = [
  {
    ...{ ...line, name: "tokens/capability" },
    seeds: texts(TOKEN),
    run: decoding((input) => {
      const token = headerOf(input);
      if (capabilities.open(token) !== undefined && token !== TOKEN) throw new Error(`opened: ${token}`);
    }),
  },
  {
    ...{ name: "tokens/sealed", shape: "bytes", mostBytes: limits.bodyBytes },
    seeds: [Buffer.concat([BOX.nonce, BOX.ciphertext])],
    run: decoding(
      (input) => {
        const box = { keyId: sealing.id, nonce: input.subarray(0, 12), ciphertext: input.subarray(12) };
        const plain = sealing.open(box, "here").toString();
        if (plain !== "secret") throw new Error("what was not sealed was opened");
      },
      { raises: [CannotOpen] },
    ),
  },
  {
    ...{ ...line, name: "tokens/position" },
    seeds: texts("0", "4096", "9007199254740991"),
    run: decoding((input) => lastEventId(headerOf(input)), {
      raises: [Problem],
      encode: (position) => (position === undefined ? undefined : Buffer.from(String(position))),
    }),
  },
  {
    ...{ ...line, name: "tokens/trace-parent" },
    seeds: texts("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    run: decoding((input) => parseTraceParent(headerOf(input)), {
      refuses: (span) => span === undefined,
      encode: (span) => span && Buffer.from(formatTraceParent(span)),
    }),
  },
];
