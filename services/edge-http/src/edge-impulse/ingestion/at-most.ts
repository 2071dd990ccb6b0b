import { ingestionRefusals } from "./refusal.js";

/** What passes, while it is no more than `most` bytes. Raises Refusal 413. */
export async function* atMost(
  content: AsyncIterable<Uint8Array>,
  most: number,
): AsyncGenerator<Uint8Array, void> {
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (bytes > most) throw ingestionRefusals.tooLarge(most);
    yield chunk;
  }
}
