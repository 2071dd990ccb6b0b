import { expect } from "vitest";
import { runCli } from "./main.js";
import type { World } from "./world.js";

export interface Asked {
  method: string;
  url: string;
  body?: unknown;
  authorization: string | undefined;
}

export type Answer = { status?: number; body?: unknown; headers?: Record<string, string> } | Error;

/** Bytes as text, anything else from JSON. */
function bodyOf({ body }: RequestInit): Pick<Asked, "body"> {
  if (body === undefined || body === null) return {};
  return { body: body instanceof Uint8Array ? Buffer.from(body).toString() : JSON.parse(String(body)) };
}

/** A world whose server answers in order, whose clock stands still but for `sleep`, and which notes all. */
export function staged(answers: Answer[] = [], over: Partial<World> = {}) {
  const asked: Asked[] = [];
  const said = { out: "", err: "" };
  const saved = new Map<string, string>();
  let now = Date.parse("2026-05-01T12:00:00Z");
  const world: World = {
    env: { FIELDLOG_ADMIN_KEY: "fl_admin" },
    cwd: "/",
    terminal: false,
    width: 100,
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
    async fetch(url, init) {
      const { authorization } = init.headers as Record<string, string>;
      asked.push({ method: init.method ?? "", url, authorization, ...bodyOf(init) });
      const answer = answers.shift();
      if (!answer) throw new Error("the test foresaw no further request");
      if (answer instanceof Error) throw answer;
      const { status = 200, body: json = {}, headers = {} } = answer;
      return new Response(status === 204 ? null : JSON.stringify(json), { status, headers });
    },
    now: () => now,
    sleep: async (ms) => {
      now += ms;
    },
    confirm: async () => undefined,
    run: async () => expect.unreachable("no program"),
    save: async (path, content) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of content) chunks.push(chunk);
      saved.set(path, Buffer.concat(chunks).toString());
    },
    ...over,
  };
  return { world, asked, said, saved, run: (line: string) => runCli(line.split(" "), world) };
}

export const problem = (status: number, body: object, headers = {}): Answer => ({ status, body, headers });
