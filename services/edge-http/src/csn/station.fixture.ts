import { bytes, dateOf, fieldsOf, len, num, pick, signature, statusOf } from "./hand.fixture.js";

type Part = number[];

/** What a CSN message was answered. */
export interface Answered {
  readonly http: number;
  readonly type: number;
  readonly message: string;
  readonly hex: string;
  /** Values of a field, in order. */
  all(field: number): (bigint | Uint8Array)[];
  texts(field: number): string[];
}

export async function ask(url: string, body: Uint8Array): Promise<Answered> {
  const response = await fetch(url, {
    method: "POST",
    body: body as Uint8Array<ArrayBuffer>,
    headers: { "content-type": "application/x-protobuf", "user-agent": "CSNClient/2.2b3" },
  });
  return answered(response);
}

async function answered(response: Response): Promise<Answered> {
  const answer = new Uint8Array(await response.arrayBuffer());
  const all = (field: number) => fieldsOf(answer).flatMap((one) => (one.field === field ? [one.value] : []));
  const texts = (field: number) => all(field).map((value) => Buffer.from(value as Uint8Array).toString());
  return { http: response.status, ...statusOf(answer), hex: Buffer.from(answer).toString("hex"), all, texts };
}

/** A registered CSN client that speaks to a system, message by message. */
export class Station {
  private sent = 0;
  /** What it was told in its newest heartbeat. */
  latestRequestId = 0n;

  private constructor(
    readonly api: string,
    readonly id: string,
    readonly secret: string,
  ) {}

  /** @param api the namespace's routes: `http://…/api/v1/test` */
  static async register(api: string, ...message: Part[]): Promise<Station> {
    const answered = await ask(`${api}/client/create`, bytes(...message));
    if (answered.type !== 0) throw new Error(`not registered: ${answered.message}`);
    return new Station(api, String(answered.all(2)[0]), answered.texts(3)[0] ?? "");
  }

  /** Signs and sends a message of that kind. */
  send(path: string, ...more: Part[]): Promise<Answered> {
    return ask(`${this.api}/${path}/${this.id}`, bytes(signature(this.signing()), ...more));
  }

  async heartbeat(...more: Part[]): Promise<Answered> {
    const answered = await this.send("heartbeat", num(8, this.latestRequestId), ...more);
    const [latest] = answered.all(3);
    if (typeof latest === "bigint") this.latestRequestId = latest;
    return answered;
  }

  pick(sensor = 0): Promise<Answered> {
    return ask(`${this.api}/event/${this.id}`, pick(this.signing(), { sensor }));
  }

  private signing() {
    return { id: this.sent++, secret: this.secret, date: dateOf(Date.now()) };
  }
}

/** SensorReadingDescription: ten minutes of a sensor as a DataRecord (A9). */
export function reading(o: { sensor?: number; request?: bigint; current?: boolean }): Part {
  const { sensor = 0, request, current } = o;
  return [
    ...num(1, sensor),
    ...(current === undefined ? [] : num(2, current ? 1 : 0)),
    ...(request === undefined ? [] : num(3, request)),
    ...len(4, "2026-05-01T12:00:00.000"),
    ...len(5, "2026-05-01T12:10:00.000"),
    ...num(8, 1),
  ];
}

/** As the reference client sends a file to an upload URL (A9). */
export async function upload(url: string, content: Uint8Array): Promise<Answered> {
  const form = new FormData();
  const file = new Blob([content as Uint8Array<ArrayBuffer>], { type: "application/octet-stream" });
  form.append("payload", file, "data");
  const response = await fetch(url, { method: "POST", body: form });
  return answered(response);
}
