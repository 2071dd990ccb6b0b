import type { signals } from "@fieldlog/contracts";
import { startServers, type TestServers } from "@fieldlog/testkit";
import { type Edge, Neighbours, signalsIn, startEdge } from "../edge.fixture.js";
import { bytes, dateOf, fieldsOf, len, num, type Signing, statusOf } from "./hand.fixture.js";

/** StatusType, from the protocol's tables. */
export const status = {
  success: 0,
  unknownError: 1,
  invalidRequest: 2,
  unknownClient: 3,
  unknownSensor: 4,
  datastoreError: 5,
  deadlineExceeded: 6,
  overQuota: 7,
  pathNotFound: 10,
  nameUnavailable: 15,
};

/** A registered CSN client. */
export interface Client {
  readonly id: string;
  readonly secret: string;
  /** Its next message id. */
  next: number;
}

/** Two edges side by side on one log, and who speaks CSN to them. */
export interface World {
  readonly servers: TestServers;
  readonly neighbours: Neighbours;
  readonly edge: Edge;
  readonly other: Edge;
  stop(): Promise<void>;
}

export async function startWorld(): Promise<World> {
  const servers = await startServers();
  const neighbours = await Neighbours.start(servers.nats.url);
  const edge = await startEdge(servers.nats.url, neighbours);
  const other = await startEdge(servers.nats.url, neighbours);
  const stop = async () => {
    for (const part of [edge, other, neighbours, servers]) await part.stop();
  };
  return { servers, neighbours, edge, other, stop };
}

export interface Posted {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: Uint8Array;
  readonly csn: ReturnType<typeof statusOf>;
}

/** Sends a message as the reference client does. */
export async function post(
  at: Edge,
  path: string,
  body: Uint8Array,
  headers: Record<string, string> = {},
): Promise<Posted> {
  const response = await fetch(`${at.url}${path}`, {
    method: "POST",
    body: body as Uint8Array<ArrayBuffer>,
    headers: { "content-type": "application/x-protobuf", "user-agent": "SAFCSNclient v1.0b", ...headers },
  });
  const answer = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, headers: response.headers, body: answer, csn: statusOf(answer) };
}

/** Registers a client in the namespace `test`; without a message of its own, with one three-axis accelerometer. */
export async function register(at: Edge, message = bytes(len(2, num(2, 0)))): Promise<Client> {
  const { body } = await post(at, "/api/v1/test/client/create", message);
  const fields = fieldsOf(body);
  const secret = Buffer.from(fields.find(({ field }) => field === 3)?.value as Uint8Array).toString();
  return { id: String(fields.find(({ field }) => field === 2)?.value), secret, next: 0 };
}

/** Bytes, to be held against others. */
export const hex = (data: Uint8Array) => Buffer.from(data).toString("hex");

export function sign(client: Client, o: Partial<Signing> = {}): Signing {
  return { id: client.next++, secret: client.secret, date: dateOf(Date.now()), ...o };
}

/** What the log holds of a client, in order. */
export async function signalsOf({ neighbours }: World, client: Client): Promise<signals.Signal[]> {
  return (await signalsIn(neighbours.log, "test")).filter(({ device }) => device === client.id);
}
