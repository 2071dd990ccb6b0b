import type { Digest } from "@fieldlog/admission";
import { limits, type Position } from "@fieldlog/contracts";
import { Problem } from "../problem.js";
import type { SignedRequest } from "./signed-request.js";

interface Entry {
  readonly digest: Digest;
  /** Absent: another edge answered, or this one before it was started. */
  answer?: Promise<unknown>;
  /** Where it stands in the log. */
  readonly position?: Position;
}

type Asked = Pick<SignedRequest, "namespace" | "device" | "id" | "digest">;

/**
 * Signed requests of late, so that one that is sent again gets the same answer, and another under its id none. What it
 * forgets, or another edge takes in the same moment, readers of the log still apply once, by identity.
 */
export class RememberedRequests {
  private readonly entries = new Map<string, Entry>();

  constructor(private readonly most: number = limits.signedRequests) {}

  get size(): number {
    return this.entries.size;
  }

  /**
   * Does what is asked, once; those who ask the same get the same answer. What is rejected, or not final, may be asked
   * again.
   *
   * @param work told where it stands in the log, if it does
   * @throws Problem 409: another request had this id
   */
  async once<T>(
    asked: Asked,
    work: (position: Position | undefined) => Promise<T>,
    isFinal: (answer: T) => boolean = () => true,
  ): Promise<T> {
    const key = keyOf(asked.namespace, asked.device, asked.id);
    const before = this.entries.get(key);
    if (before !== undefined && !same(before.digest, asked.digest)) {
      throw new Problem(409, `Another request had the webhook-id ${asked.id}.`);
    }
    // The digest is of what is asked as well, so the answer is one of the same kind.
    if (before?.answer !== undefined) return (await before.answer) as T;
    const answer = work(before?.position);
    const entry: Entry = { digest: asked.digest, answer, ...positionOf(before) };
    this.remember(key, entry);
    try {
      const given = await answer;
      if (!isFinal(given)) this.forget(key, entry);
      return given;
    } catch (error) {
      this.forget(key, entry);
      throw error;
    }
  }

  /** It stands in the log. */
  learn(namespace: string, device: string, id: string, digest: Digest, position: Position): void {
    const key = keyOf(namespace, device, id);
    if (!this.entries.has(key)) this.remember(key, { digest, position });
  }

  private remember(key: string, entry: Entry): void {
    this.entries.set(key, entry);
    if (this.entries.size <= this.most) return;
    for (const oldest of this.entries.keys()) {
      this.entries.delete(oldest);
      break;
    }
  }

  /** That it was answered; not, that it stands in the log. */
  private forget(key: string, entry: Entry): void {
    if (this.entries.get(key) !== entry) return;
    const { digest, position } = entry;
    if (position === undefined) this.entries.delete(key);
    else this.entries.set(key, { digest, position });
  }
}

function positionOf(entry: Entry | undefined): Pick<Entry, "position"> {
  return entry?.position === undefined ? {} : { position: entry.position };
}

function keyOf(namespace: string, device: string, id: string): string {
  return `${namespace}/${device}/${id}`;
}

function same(one: Digest, other: Digest): boolean {
  return one.high === other.high && one.low === other.low;
}
