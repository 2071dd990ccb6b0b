import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import type { Native } from "../native/native.fixture.js";
import type { Things } from "./tenant.fixture.js";

/** An operation, as the OpenAPI document describes it. */
export interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly tag: string;
  /** What callers may show; none: whoever likes may call. */
  readonly by: readonly string[];
  readonly needs: string | undefined;
  readonly takesBody: boolean;
  /** Names of what its query may have. */
  readonly queries: readonly string[];
}

/** What is asked of an operation, in words of what a tenant has. */
export interface Example {
  /** Which thing a parameter of the path is; absent: that of its name. */
  readonly at?: Readonly<Record<string, string>>;
  readonly query?: (things: Things) => string;
  /** JSON, unless it is a text or bytes. `sign`: what CSN's messages begin with. */
  readonly body?: (things: Things, sign: readonly number[]) => object | string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The secret that stands in the URL, where that lets in; a thing named "capability". */
  readonly capability?: string;
  /** What whoever may is answered, where that is no success: nothing is connected, say. */
  readonly owner?: readonly number[];
  /** What else is a refusal here than 401, 403 and 404. */
  readonly refused?: readonly number[];
  /** What an attacker is answered besides who names the other's things in the own namespace: nothing comes of it there. */
  readonly elsewhere?: readonly number[];
  /** When its owner calls it, after those with less: it takes away what others need. Default 0. */
  readonly last?: number;
}

/** What a request shows. */
export interface Shown {
  readonly headers?: Readonly<Record<string, string>>;
  /** The signature that a CSN message has. */
  readonly sign?: () => readonly number[];
  /** Headers that sign the body. */
  readonly stamp?: (body: string) => Readonly<Record<string, string>>;
}

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string | Uint8Array | FormData | undefined;
}

export interface Answered {
  readonly status: number;
  readonly type: string;
  readonly data: Buffer;
  readonly cookies: readonly string[];
}

interface Described {
  readonly "x-access": { readonly by: string[]; readonly needs?: string };
  readonly requestBody?: object;
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
}

type Document = Record<string, Record<string, { operationId: string; tags: string[] }>>;

export function operationsOf({ document }: Native): Operation[] {
  return Object.entries(document.paths as Document).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => {
      const { "x-access": access, requestBody, parameters = [] } = described as unknown as Described;
      const queries = parameters.filter((one) => one.in === "query").map(({ name }) => name);
      return {
        ...{ id: described.operationId, method, path, tag: described.tags[0] ?? "" },
        ...{ by: access.by, needs: access.needs, takesBody: requestBody !== undefined },
        queries,
      };
    }),
  );
}

/** Raises Error where the example does not say all that the operation takes. */
export function build(operation: Operation, example: Example, things: Things, shown: Shown): Asked {
  const { id, method, takesBody } = operation;
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const thing = things[example.at?.[name] ?? name];
    if (thing === undefined) throw new Error(`${id}: an example must say what {${name}} is`);
    return thing;
  });
  if (takesBody && example.body === undefined) throw new Error(`${id}: an example must say what is sent`);
  const given = example.body?.(things, shown.sign?.() ?? []);
  const isJson = typeof given === "object" && !(given instanceof Uint8Array) && !(given instanceof FormData);
  const body = isJson ? JSON.stringify(given) : (given as Asked["body"]);
  const headers = {
    ...(isJson ? { "content-type": "application/json" } : {}),
    ...example.headers,
    ...shown.headers,
    ...shown.stamp?.(String(body ?? "")),
  };
  return { method: method.toUpperCase(), url: `${path}${example.query?.(things) ?? ""}`, headers, body };
}

const agent = new Agent({ keepAlive: true });

/** As it stands: nothing of the path is put right on the way. An answer without an end is cut off behind its head. */
export async function send({ system }: Native, { url, method, headers, body }: Asked): Promise<Answered> {
  const form = body instanceof FormData ? new Response(body) : undefined;
  const typed = form && { "content-type": form.headers.get("content-type") ?? "" };
  const content = form ? Buffer.from(await form.arrayBuffer()) : Buffer.from((body ?? "") as string);
  const length = body === undefined ? {} : { "content-length": String(content.length) };
  const all = { ...headers, ...typed, ...length };
  const asked = request(system.url, { agent, method, path: url, headers: all });
  asked.end(content);
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  const type = answer.headers["content-type"]?.split(";")[0] ?? "";
  const head = { status: answer.statusCode ?? 0, type, cookies: answer.headers["set-cookie"] ?? [] };
  if (type === "text/event-stream" || type.startsWith("multipart/")) {
    answer.destroy();
    return { ...head, data: Buffer.alloc(0) };
  }
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return { ...head, data: Buffer.concat(chunks) };
}
