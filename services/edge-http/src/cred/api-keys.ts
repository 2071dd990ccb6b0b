import { type auth, positionOf } from "@fieldlog/contracts";
import { readWindow } from "./input.js";
import { type Permission, permissions } from "./operations.js";
import { type Page, pagesOf, textsOf } from "./pages.js";
import type { CredParts } from "./parts.js";
import { refusals } from "./refusal.js";
import type { Answer, CredRequest } from "./request.js";
import { apiKeyJson, uri } from "./words.js";

/** What a list of keys says that they are for. */
const NAME = "cred";

/** Keys of cred's kind in the namespace of who asks, as long as they are good. */
export class ApiKeys {
  constructor(private readonly parts: CredParts) {}

  async list(request: CredRequest): Promise<Answer> {
    const keys = await this.keysFor(request);
    const window = readWindow(request.query);
    const read = async ({ limit, offset, after = 0, before = Number.POSITIVE_INFINITY }: Page) =>
      keys.filter((key) => numberOf(key) > after && numberOf(key) < before).slice(offset, offset + limit);
    const { base } = request;
    const texts = textsOf(pagesOf(window, read, numberOf), (key) => {
      const id = numberOf(key);
      return JSON.stringify(window.full ? apiKeyJson(base, key) : { id, uri: uri(base, "apikeys", id) });
    });
    return { list: ["apikeys", texts] };
  }

  async show(request: CredRequest): Promise<Answer> {
    const keys = await this.keysFor(request);
    const key = keys.find((key) => numberOf(key) === request.id);
    if (key === undefined) throw refusals.noApiKey();
    return { json: { apikey: apiKeyJson(request.base, key) } };
  }

  async create(request: CredRequest): Promise<Answer> {
    const client = await this.parts.access.client(request, "admin");
    void this.parts.activity.heard(client);
    const permission = request.fields.get("permission");
    if (!permissions.includes(permission as Permission)) throw refusals.invalidPermissions();
    const { key, secret, sequence } = await this.parts.auth.createApiKey({
      ...{ namespace: client.namespace, name: NAME, kind: "cred", permission: permission as Permission },
      decidedBy: `key:${client.key.id}`,
    });
    if (key === undefined) throw new Error("auth made a key and did not say which");
    const headers = ["fieldlog-position", String(positionOf(Number(sequence), 0))];
    return { json: { apikey: apiKeyJson(request.base, key, secret) }, headers };
  }

  /** Newest first. */
  private async keysFor(request: CredRequest): Promise<auth.ApiKey[]> {
    const client = await this.parts.access.client(request, "admin");
    void this.parts.activity.heard(client);
    const { keys } = await this.parts.auth.listApiKeys({ namespace: client.namespace });
    const now = BigInt(this.parts.now());
    return keys
      .filter(({ kind, revokedAt, expiresAt }) => {
        return kind === "cred" && revokedAt === undefined && (expiresAt === undefined || expiresAt > now);
      })
      .sort((a, b) => numberOf(b) - numberOf(a));
  }
}

function numberOf({ number }: auth.ApiKey): number {
  return Number(number);
}
