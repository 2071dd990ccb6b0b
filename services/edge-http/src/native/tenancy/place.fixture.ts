import type { Json, Native } from "../native.fixture.js";

/** A namespace of its own, open to CSN, and what is asked in it. */
export class Place {
  readonly name: string;
  id = "";

  private constructor(
    readonly native: Native,
    kind: string,
  ) {
    this.name = `${kind}-${crypto.randomUUID().slice(0, 8)}`;
  }

  static async make(native: Native, kind = "shut"): Promise<Place> {
    const place = new Place(native, kind);
    const asked = { name: place.name, openToCsn: true };
    const { id } = await place.json("POST", "/v1/namespaces", place.operator, asked);
    place.id = String(id);
    return place;
  }

  get path() {
    return `/v1/namespaces/${this.name}`;
  }

  get operator() {
    return { authorization: `Bearer ${this.native.system.adminKey}` };
  }

  async status(
    method: string,
    path: string,
    headers: Record<string, string>,
    body: Uint8Array | string = "",
  ): Promise<number> {
    return (await this.ask(method, path, headers, body)).status;
  }

  async ask(method: string, path: string, headers: Record<string, string>, body?: Uint8Array | string) {
    const url = path.startsWith("http") ? path : `${this.native.system.url}${path}`;
    const response = await fetch(url, { method, headers, body: (body ?? null) as Uint8Array<ArrayBuffer> });
    return { status: response.status, data: new Uint8Array(await response.arrayBuffer()) };
  }

  /** What is answered, as JSON; a refusal is an error. */
  async json(
    method: string,
    path: string,
    headers: Record<string, string>,
    body: object = {},
  ): Promise<Json> {
    const given = { "content-type": "application/json", ...headers };
    const sent = method === "GET" ? undefined : JSON.stringify(body);
    const { status, data } = await this.ask(method, path, given, sent);
    const text = Buffer.from(data).toString();
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
    return text === "" ? {} : (JSON.parse(text) as Json);
  }

  operate(path: string, body: object = {}): Promise<Json> {
    return this.json("POST", `${this.path}${path}`, this.operator, body);
  }

  async key(kind: string): Promise<string> {
    return String((await this.operate("/api-keys", { kind, permission: "write", name: kind }))["key"]);
  }
}
