import { limits } from "@fieldlog/contracts";
import type { Window } from "./input.js";

/** What is asked of a read model at once. */
export interface Page {
  readonly limit: number;
  readonly offset: number;
  readonly after: number | undefined;
  readonly before: number | undefined;
}

/**
 * A list's part, newest first, a page after another: what comes meanwhile stands before the first.
 *
 * @param read elements of a page, newest first
 */
export async function* pagesOf<T>(
  { before, after, limit, offset }: Window,
  read: (page: Page) => Promise<readonly T[]>,
  numberOf: (element: T) => number,
): AsyncGenerator<readonly T[], void> {
  if (before !== undefined && before <= 0) return;
  let left = limit;
  let from: Pick<Page, "before" | "offset"> = { before, offset };
  while (left > 0) {
    const asked = Math.min(left, limits.pageRows);
    const page = await read({
      limit: asked,
      after: after === undefined ? undefined : Math.max(0, after),
      ...from,
    });
    if (page.length > 0) yield page;
    const last = page.at(-1);
    if (page.length < asked || last === undefined) return;
    left -= page.length;
    from = { before: numberOf(last), offset: 0 };
  }
}

/** Each page's elements as texts. */
export async function* textsOf<T>(
  pages: AsyncGenerator<readonly T[], void>,
  text: (element: T) => string,
): AsyncGenerator<readonly string[], void> {
  for await (const page of pages) yield page.map(text);
}
