import type { IncomingMessage, ServerResponse } from "node:http";
import type { offers, registry } from "@fieldlog/contracts";
import { contentOf, encrypted, type Objects, type Part, PLAIN } from "@fieldlog/objects";
import { type RpcClient, RpcError } from "@fieldlog/rpc";
import { Problem } from "../native/problem.js";
import type { Stretch } from "./range.js";
import { sendContent } from "./send-content.js";

export interface ReadingsParts {
  readonly offers: Pick<RpcClient<typeof offers.OffersService>, "getReading" | "checkDownloadToken">;
  readonly objects: Objects;
}

/** A reading whose bytes are there. */
export interface StoredReading {
  readonly reading: offers.Reading;
  readonly offered: registry.UploadOffered;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  readonly mediaType: string;
  content(stretch: Stretch): AsyncIterable<Uint8Array>;
  /** A URL at which the storage itself gives all of it for some minutes; undefined: it is read through us alone. */
  readonly link: (() => Promise<string>) | undefined;
}

/** Seconds for which a URL of the storage is good. */
const LINK_S = 300;
const NUMBER = /^[1-9]\d{0,15}$/;

/** What was uploaded, as it is read again. */
export class Readings {
  constructor(private readonly parts: ReadingsParts) {}

  /** Raises Problem 404; RpcError. @param atLeast REGISTRY sequence that the answer must have seen */
  async get(namespace: string, number: string, atLeast = 0): Promise<offers.Reading> {
    return (await this.find(namespace, number, atLeast)).reading;
  }

  /** Raises Problem 404: its bytes are not there (yet, or any more). */
  async stored(namespace: string, number: string, atLeast = 0): Promise<StoredReading> {
    const { reading, dataKey } = await this.find(namespace, number, atLeast);
    const { offered, stored, state } = reading;
    if (state !== "stored" || stored === undefined || offered === undefined) {
      throw new Problem(404, `This reading is ${state}: its bytes are not there.`);
    }
    if (dataKey.length === 0) throw new Problem(404, "The device of this reading was erased.");
    const { objects } = this.parts;
    const store = encrypted(objects, dataKey);
    const parts: Part[] = stored.objects.map((object, index) => ({
      object,
      bytes: Number(stored.objectBytes[index] ?? 0n),
    }));
    const [only] = parts.length === 1 ? parts : [];
    const { mediaType } = stored;
    const fileName = nameOf(reading, offered).replace(/[^\w.-]/g, "_");
    return {
      ...{ reading, offered, mediaType, bytes: Number(stored.bytes) },
      sha256: Buffer.from(stored.sha256).toString("hex"),
      content: (stretch) => contentOf(store, parts, stretch),
      link:
        objects.links && only?.object.endsWith(PLAIN)
          ? objects.links.link.bind(objects.links, only.object, { seconds: LINK_S, mediaType, fileName })
          : undefined,
    };
  }

  /** Raises Problem 404 unless the token opens that reading. */
  async checkToken(namespace: string, number: string, token: string): Promise<void> {
    await known(this.parts.offers.checkDownloadToken({ namespace, number: numberOf(number), token }));
  }

  private async find(namespace: string, number: string, atLeast: number) {
    const asked = { namespace, number: numberOf(number), atLeast: BigInt(atLeast) };
    const { reading, dataKey } = await known(this.parts.offers.getReading(asked));
    if (reading === undefined) throw new Error("offers answered without a reading");
    return { reading, dataKey };
  }
}

function numberOf(text: string): bigint {
  if (!NUMBER.test(text)) throw noReading();
  return BigInt(text);
}

async function known<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw error instanceof RpcError && error.code === "not_found" ? noReading() : error;
  }
}

function noReading(): Problem {
  return new Problem(404, "There is no such reading.");
}

/** Answers with the reading's bytes: {@link sendContent}. */
export async function sendReading(
  request: IncomingMessage,
  response: ServerResponse,
  found: StoredReading,
): Promise<void> {
  const fileName = nameOf(found.reading, found.offered);
  await sendContent(request, response, { ...found, fileName });
}

const extensions: Readonly<Record<string, string>> = { "data-record": "datarecord", csnv2: "csnv2" };

/** As its device named it; else by its number. */
function nameOf({ number }: offers.Reading, { fileName, format }: registry.UploadOffered): string {
  const given = fileName.split(/[/\\]/).at(-1) ?? "";
  return given || `reading-${number}.${extensions[format] ?? "bin"}`;
}
