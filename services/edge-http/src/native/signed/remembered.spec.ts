import { describe, expect, it } from "vitest";
import { RememberedRequests } from "./remembered.js";

const ask = (id: string, digest = 1, device = "d") => ({
  ...{ namespace: "n", device, id },
  digest: { high: digest, low: 0 },
});
const conflict = { name: "Problem", status: 409 };

describe("a signed request", () => {
  it("that is sent again gets the same answer, also while the first is under way", async () => {
    const requests = new RememberedRequests();
    const first = Promise.withResolvers<string>();
    const answers = [requests.once(ask("a"), () => first.promise), requests.once(ask("a"), never)];
    first.resolve("done");
    expect(await Promise.all(answers)).toEqual(["done", "done"]);
    expect(await requests.once(ask("a"), never)).toBe("done");
  });

  it("under the id of another is refused; of another device it is its own", async () => {
    const requests = new RememberedRequests();
    await requests.once(ask("a"), async () => 1);
    await expect(requests.once(ask("a", 2), never)).rejects.toMatchObject(conflict);
    expect(await requests.once(ask("a", 2, "e"), async () => 2)).toBe(2);
  });

  it("that failed, or was answered in part, may be sent again, or another under its id", async () => {
    const requests = new RememberedRequests();
    const failed = requests.once(ask("a"), async () => Promise.reject(new Error("no")));
    await expect(failed).rejects.toThrow("no");
    expect(
      await requests.once(
        ask("a", 2),
        async () => "part",
        (answer) => answer !== "part",
      ),
    ).toBe("part");
    expect(await requests.once(ask("a"), async () => "all")).toBe("all");
  });

  it("that another edge took is known by where it stands in the log", async () => {
    const requests = new RememberedRequests();
    requests.learn("n", "d", "a", { high: 1, low: 0 }, 4096);
    await expect(requests.once(ask("a", 2), never)).rejects.toMatchObject(conflict);
    await expect(requests.once(ask("a"), async () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    await expect(requests.once(ask("a", 2), never)).rejects.toMatchObject(conflict);
    expect(await requests.once(ask("a"), async (position) => position)).toBe(4096);
    requests.learn("n", "d", "a", { high: 9, low: 0 }, 8192);
    expect(await requests.once(ask("a"), never)).toBe(4096);
  });

  it("is remembered among so many, the oldest are forgotten", async () => {
    const requests = new RememberedRequests(3);
    for (let i = 0; i < 9; i++) await requests.once(ask(String(i)), async () => i);
    expect(requests.size).toBe(3);
    expect(await requests.once(ask("8"), never)).toBe(8);
    expect(await requests.once(ask("0"), async () => "anew")).toBe("anew");
  });
});

async function never(): Promise<never> {
  throw new Error("is not done again");
}
