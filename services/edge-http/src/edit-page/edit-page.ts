import { readFile } from "node:fs/promises";
import type { FastifyInstance } from "fastify";

/** What the page may do: load its own two files, and talk to this door. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

const HEADERS = {
  "content-security-policy": POLICY,
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cross-origin-opener-policy": "same-origin",
  "cache-control": "no-cache",
};

/** By path: the file, beside `src`, and what it is. */
export const editFiles = {
  "/edit": ["index.html", "text/html; charset=utf-8"],
  "/edit/edit.js": ["edit.js", "text/javascript; charset=utf-8"],
  "/edit/edit.css": ["edit.css", "text/css; charset=utf-8"],
} as const;

/** The page on which whoever has an edit token changes a device's metadata, by the native API. */
export async function editPage(fastify: FastifyInstance): Promise<void> {
  for (const [path, [name, type]] of Object.entries(editFiles)) {
    const content = await readFile(new URL(`../../pages/edit/${name}`, import.meta.url));
    fastify.get(path, async (_request, reply) => {
      return reply.headers({ ...HEADERS, "content-type": type }).send(content);
    });
  }
}

/**
 * Where the page is for a device, as CSN's own server wrote it. What stands behind the # is sent to no server, so the
 * token is in no log.
 *
 * @param namespace by name or id
 */
export function editorUrlOf(base: string, namespace: string, device: string, token: string): string {
  return `${base}/edit#/clients/${encodeURIComponent(namespace)}/${encodeURIComponent(device)}?token=${token}`;
}
