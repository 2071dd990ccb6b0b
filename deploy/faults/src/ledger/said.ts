import { createHash } from "node:crypto";

/** Something that a sender said, as it is found again: in the log, in a table, at a subscriber. */
export interface Said {
  readonly sender: string;
  /** Its number in the sender's ledger. */
  readonly n: number;
  readonly digest: string;
  readonly position: number;
  /** What makes it one and the same when it is sent again; empty: nothing does. */
  readonly identity: string;
}

/** What is to be read of a signal, a row or an event to see who said it. */
export interface Fact {
  readonly position: number;
  readonly identity: string;
  readonly device: string;
  /** What was said in words: JSON of a {@link Tag}. */
  readonly text?: string | undefined;
  /** What was said in numbers: see {@link numbersOf}. */
  readonly values?: readonly number[] | undefined;
}

interface Tag {
  readonly s: string;
  readonly n: number;
}

/** How a sender of texts says its nth: with its name, the number and something to fill it up. */
export function textOf(sender: string, n: number, fill = ""): string {
  return JSON.stringify({ s: sender, n, fill } satisfies Tag & { fill: string });
}

/** How a sender of numbers says its nth: the number, and one that follows from it; its device is its name. */
export function numbersOf(n: number): [number, number] {
  return [n, (n * 7_919) % 10_007];
}

const DIGEST_BYTES = 8;

export function digestOf(content: string | readonly number[]): string {
  const text = typeof content === "string" ? content : content.join(" ");
  return createHash("sha256").update(text).digest().toString("hex", 0, DIGEST_BYTES);
}

/** Who said that; undefined: none of our senders. */
export function saidBy({ position, identity, device, text, values }: Fact): Said | undefined {
  const tag = text === undefined ? undefined : tagIn(text);
  if (tag) return { sender: one(tag.s), n: tag.n, digest: digestOf(JSON.stringify(tag)), position, identity };
  const [n, ...others] = values ?? [];
  if (n === undefined || others.length === 0) return undefined;
  return { sender: one(device), n, digest: digestOf([n, others[0] as number]), position, identity };
}

/** Names of senders: of what is said a million times each is kept once. */
const names = new Map<string, string>();

function one(name: string): string {
  const known = names.get(name);
  if (known === undefined) names.set(name, name);
  return known ?? name;
}

/** All that the text says, so that its spaces do not matter. */
function tagIn(text: string): Tag | undefined {
  try {
    const tag = JSON.parse(text) as Partial<Tag> | null;
    return typeof tag?.s === "string" && typeof tag.n === "number" ? (tag as Tag) : undefined;
  } catch {
    return undefined;
  }
}
