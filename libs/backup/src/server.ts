import { serversOf } from "@fieldlog/event-log";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { BackupError } from "./errors.js";

/** The server whose streams are copied. */
export interface Server {
  readonly nc: NatsConnection;
  readonly jsm: JetStreamManager;
}

const CONNECT_MS = 10_000;

/** Works on a connection that is not made again: what was lost with it cannot be told from what came. Raises BackupError. */
export async function withServer<T>(url: string, work: (server: Server) => Promise<T>): Promise<T> {
  const options = { ...serversOf(url), name: "fieldlog backup", timeout: CONNECT_MS, reconnect: false };
  const nc = await connect(options).catch((cause: Error) => {
    throw new BackupError(`NATS does not answer: ${cause.message}`, {
      hint: "FIELDLOG_NATS_URL says where it is, with user and password: nats://user:password@host:4222",
      cause,
    });
  });
  try {
    return await work({ nc, jsm: await jetstreamManager(nc, { timeout: CONNECT_MS }) });
  } finally {
    await nc.close();
  }
}

/** A request to JetStream's API that its client does not know. Raises BackupError with the server's reason. */
export async function ask<T>(
  { nc }: Server,
  subject: string,
  question: unknown,
  timeout = CONNECT_MS,
): Promise<T> {
  const { data } = await nc.request(`$JS.API.${subject}`, JSON.stringify(question), { timeout });
  return answerOf<T>(data, subject);
}

/** What an answer of JetStream's API says. Raises BackupError for a refusal. */
export function answerOf<T>(data: Uint8Array, what: string): T {
  const answer = JSON.parse(Buffer.from(data).toString()) as T & { error?: { description?: string } };
  if (answer.error) throw new BackupError(`NATS refuses ${what}: ${answer.error.description}`);
  return answer;
}
