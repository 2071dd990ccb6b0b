import { describe, expect, it } from "vitest";
import { behavesAsAnObjectStore, bytesOf, MemoryObjects } from "./behaviour.fixture.js";
import { NoSuchObject, ObjectsUnavailable } from "./object-store.js";
import { S3BesideNats } from "./s3-beside-nats.js";

const [s3, nats] = [new MemoryObjects(), Object.assign(new MemoryObjects(), { tidy: async () => 7 })];
const store = new S3BesideNats(s3, nats);

async function* one(text: string) {
  yield Buffer.from(text);
}

const read = async (name: string) => (await bytesOf(store.get(name))).toString();

describe("objects in S3 beside those that were put in NATS before", () => {
  let namespaces = 0;
  behavesAsAnObjectStore(
    () => store,
    () => `n${namespaces++}`,
  );

  it("are read, listed and removed where they are", async () => {
    for (const name of ["a", "b", "c"]) await nats.put(`ns/${name}`, one(`${name} before`));
    await store.put("ns/b", one("b since"));
    await store.put("ns/d", one("d since"));
    expect(await Promise.all(["ns/a", "ns/b", "ns/d"].map(read))).toEqual(["a before", "b since", "d since"]);
    expect((await bytesOf(store.get("ns/a", { from: 2, to: 4 }))).toString()).toBe("be");
    const names: string[] = [];
    for await (const name of store.list("ns/")) names.push(name);
    expect(names.sort()).toEqual(["ns/a", "ns/b", "ns/c", "ns/d"]);
    await store.delete("ns/a");
    await expect(read("ns/a")).rejects.toThrow(NoSuchObject);
    expect(await store.deleteAll("ns/")).toBe(3);
    expect([...s3.objects.keys(), ...nats.objects.keys()].filter((name) => name.startsWith("ns/"))).toEqual(
      [],
    );
    expect(await store.tidy(0)).toBe(7);
  });

  it("are not looked for in NATS while S3 does not answer", async () => {
    await nats.put("ns/e", one("e before"));
    const get = () => {
      throw new ObjectsUnavailable("no answer");
    };
    const away = Object.assign(new MemoryObjects(), { get });
    await expect(bytesOf(new S3BesideNats(away, nats).get("ns/e"))).rejects.toThrow(ObjectsUnavailable);
  });
});
