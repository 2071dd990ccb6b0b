import type { MqttConnection } from "../mqtt/connection.js";

/** What a method answers: a status as HTTP has them, and something that JSON has. */
export interface MethodAnswer {
  readonly status: number;
  readonly body?: unknown;
}

/** Called by the platform; `payload` is what the caller sent, as JSON. */
export type MethodHandler = (payload: unknown) => MethodAnswer | Promise<MethodAnswer>;

const CALL = /^\$iothub\/methods\/POST\/([^/]+)\/\?\$rid=(.+)$/;

/** Methods that the platform calls on the device (reference B4). Who calls waits for the answer: nothing is stored. */
export class Methods {
  private readonly handlers = new Map<string, MethodHandler>();

  constructor(private readonly failed: (error: unknown) => void) {}

  set(name: string, handler: MethodHandler): void {
    this.handlers.set(name, handler);
  }

  /** Whether the message was a call. */
  take(topic: string, payload: Buffer, connection: MqttConnection): boolean {
    if (!topic.startsWith("$iothub/methods/")) return false;
    const [, name, id] = CALL.exec(topic) ?? [];
    if (name !== undefined && id !== undefined) {
      void this.answer(decoded(name), payload).then(({ status, body }) => {
        connection.publish({ topic: `$iothub/methods/res/${status}/?$rid=${id}`, payload: body });
      });
    }
    return true;
  }

  private async answer(name: string, payload: Buffer): Promise<{ status: number; body: Buffer }> {
    const handler = this.handlers.get(name);
    if (handler === undefined) return encoded({ status: 404, body: { detail: "No handler found" } });
    try {
      return encoded(await handler(payload.length === 0 ? undefined : JSON.parse(payload.toString("utf8"))));
    } catch (error) {
      this.failed(error);
      return encoded({ status: 500, body: { detail: "The handler failed" } });
    }
  }
}

/** Raises TypeError for what is no answer. */
function encoded({ status, body }: MethodAnswer): { status: number; body: Buffer } {
  if (!Number.isSafeInteger(status)) throw new TypeError("a method's status is a whole number");
  return { status, body: Buffer.from(body === undefined ? "" : JSON.stringify(body)) };
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
