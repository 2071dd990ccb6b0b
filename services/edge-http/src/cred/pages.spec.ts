import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { limits } from "@fieldlog/contracts";
import { afterEach, describe, expect, it } from "vitest";
import type { Window } from "./input.js";
import { answerList, LongList } from "./list-answer.js";
import { type Page, pagesOf, textsOf } from "./pages.js";

const ALL: Window = {
  full: false,
  before: undefined,
  after: undefined,
  limit: Number.POSITIVE_INFINITY,
  offset: 0,
};

/** A read model of the numbers 1 to `count`, and what it was asked. */
function numbers(count: number) {
  const asked: Page[] = [];
  const read = async (page: Page) => {
    asked.push(page);
    const { limit, offset, before = Number.POSITIVE_INFINITY, after = 0 } = page;
    const fit = Array.from({ length: count }, (_, index) => count - index).filter(
      (number) => number < before && number > after,
    );
    return fit.slice(offset, offset + limit);
  };
  return { asked, read };
}

async function all(window: Partial<Window>, count = 2_500) {
  const { asked, read } = numbers(count);
  const found: number[] = [];
  for await (const page of pagesOf({ ...ALL, ...window }, read, (number) => number)) found.push(...page);
  return { asked, numbers: found };
}

describe("a list", () => {
  it("is read newest first, a page after another, until there is no more", async () => {
    const { asked, numbers } = await all({});
    expect(numbers).toEqual(Array.from({ length: 2_500 }, (_, index) => 2_500 - index));
    expect(asked.map(({ before }) => before)).toEqual([undefined, 1_501, 501]);
  });

  it("has the limit and the offset of the whole", async () => {
    expect((await all({ limit: 1_200, offset: 300 })).numbers).toEqual(
      Array.from({ length: 1_200 }, (_, index) => 2_200 - index),
    );
    expect((await all({ limit: 1, before: 5, after: 2 })).numbers).toEqual([4]);
    expect((await all({ limit: 0 })).asked).toEqual([]);
    expect((await all({ before: 0 })).asked).toEqual([]);
    expect((await all({ after: -1 }, 3)).numbers).toEqual([3, 2, 1]);
  });
});

describe("a list's answer", () => {
  let server: Server | undefined;
  afterEach(() => server?.close());
  const answered = (count: number, read = numbers(count).read) => {
    const pages = pagesOf(ALL, read, (number) => number);
    return answerList(["events", textsOf(pages, String)], { status: 200, message: "OK" });
  };

  it("is one text while it fits into a page", async () => {
    expect(await answered(0)).toBe('{"status":200,"message":"OK","events":[]}');
    expect(await answered(3)).toBe('{"status":200,"message":"OK","events":[3,2,1]}');
    expect(typeof (await answered(limits.pageRows))).toBe("string");
  });

  /** Serves what `pipe` writes, and fetches it. */
  async function served(pipe: (response: ServerResponse) => Promise<void>): Promise<Response> {
    const failing = (response: ServerResponse) => pipe(response).catch(() => response.destroy());
    server = createServer((_request, response) => void failing(response));
    await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
    return fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  it("is sent while it is read when it is longer", async () => {
    const long = (await answered(40_000)) as LongList;
    expect(long).toBeInstanceOf(LongList);
    const { events } = (await (await served((response) => long.pipeTo(response))).json()) as {
      events: number[];
    };
    expect(events).toEqual(Array.from({ length: 40_000 }, (_, index) => 40_000 - index));
  });

  it("is broken off where the rest cannot be read, so that nobody takes it for whole", async () => {
    const { read } = numbers(5_000);
    const breaking = (page: Page) =>
      (page.before ?? 9_999) < 3_000 ? Promise.reject(new Error()) : read(page);
    const long = (await answered(5_000, breaking)) as LongList;
    await expect(served((response) => long.pipeTo(response)).then((one) => one.text())).rejects.toThrow();
  });
});
