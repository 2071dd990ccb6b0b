import { limits } from "@fieldlog/contracts";
import * as http from "@fieldlog/edge-http/decoders";
import { z } from "zod";
import { decoding, jsons, type Target, textOf } from "../target.js";

/** An operation and what it is given: each input says which it is for. */
interface Asked {
  readonly operation?: unknown;
  readonly given?: unknown;
}

type Take = (given: unknown) => void;

const native = new Map<string, Take>(
  Object.entries<http.Operation>(http.operations).map(([name, operation]) => [
    name,
    (given) => {
      const request = (query: unknown, body: unknown) =>
        ({ query, body }) as Parameters<typeof http.readInput>[1];
      for (const one of [request(queryOf(given), {}), request({}, given)]) {
        decoding(() => http.readInput(operation, one), { raises: [http.Problem] })(new Uint8Array());
      }
    },
  ]),
);

/** As it is read from a URL: texts, and lists of texts. */
function queryOf(given: unknown): unknown {
  const text = (value: unknown) => (typeof value === "object" ? "" : String(value));
  const entries = Object.entries(typeof given === "object" ? (given ?? {}) : {});
  return Object.fromEntries(
    entries.map(([key, value]) => [key, Array.isArray(value) ? value.map(text) : text(value)]),
  );
}

class Refused extends Error {}

const spotflow = new Map<string, Take>(
  http.spotflowOperations.flatMap(({ name, body }): [string, Take][] => {
    if (body === undefined || body === "bytes") return [];
    const take = (given: unknown) => {
      const text = written(given);
      if (text !== undefined) http.jsonBody(body, text, (what) => new Refused(what));
    };
    return [[name, take]];
  }),
);

/** Undefined: it is nested more deeply than can be written. */
function written(given: unknown): string | undefined {
  try {
    return JSON.stringify(given);
  } catch {
    return undefined;
  }
}

/** What an operation takes, made of what it says of itself: good enough to begin with. */
function exampleOf(schema: z.ZodType): unknown {
  return example(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Described);
}

interface Described {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Described[];
  readonly oneOf?: readonly Described[];
  readonly properties?: Readonly<Record<string, Described>>;
  readonly items?: Described;
  readonly minimum?: number;
  readonly minLength?: number;
}

function example(described: Described): unknown {
  const [one] = described.anyOf ?? described.oneOf ?? [];
  if (one !== undefined) return example(one);
  if (described.const !== undefined) return described.const;
  if (described.enum !== undefined) return described.enum[0];
  switch (described.type) {
    case "object": {
      const entries = Object.entries(described.properties ?? {});
      return Object.fromEntries(entries.map(([key, value]) => [key, example(value)]));
    }
    case "array":
      return [example(described.items ?? {})];
    case "integer":
    case "number":
      return Math.max(1, described.minimum ?? 1);
    case "boolean":
      return true;
    default:
      return "a".repeat(described.minLength ?? 1);
  }
}

function bodies(name: string, takes: ReadonlyMap<string, Take>, seeds: readonly Asked[]): Target {
  const run = decoding(
    (input) => {
      const asked = JSON.parse(textOf(input)) as Asked | null;
      if (typeof asked?.operation === "string") takes.get(asked.operation)?.(asked.given);
    },
    { raises: [SyntaxError, Refused] },
  );
  const words = [...takes.keys()];
  return { ...{ name, shape: "json", seeds: jsons(...seeds), words, run, mostBytes: limits.bodyBytes } };
}

const nativeSeeds = Object.entries<http.Operation>(http.operations).flatMap(([operation, { query, body }]) =>
  [query, ...(body === undefined ? [] : [body])].map((schema) => ({ operation, given: exampleOf(schema) })),
);
const spotflowSeeds = http.spotflowOperations.flatMap(({ name: operation, body }) =>
  body === undefined || body === "bytes" ? [] : [{ operation, given: exampleOf(body) }],
);

/** Queries and bodies of every operation that is described: a new one is among them by itself. */
export const bodyTargets: readonly Target[] = [
  bodies("bodies/native", native, nativeSeeds),
  bodies("bodies/spotflow", spotflow, spotflowSeeds),
];
