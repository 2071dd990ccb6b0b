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
      void this.answer(decodeURIComponent(name), payload).then(({ status, body }) => {
        const answer = body === undefined ? "" : JSON.stringify(body);
        connection.publish({
          topic: `$iothub/methods/res/${status}/?$rid=${id}`,
          payload: Buffer.from(answer),
        });
      });
    }
    return true;
  }

  private async answer(name: string, payload: Buffer): Promise<MethodAnswer> {
    const handler = this.handlers.get(name);
    if (handler === undefined) return { status: 404, body: { detail: "No handler found" } };
    try {
      return await handler(payload.length === 0 ? undefined : JSON.parse(payload.toString("utf8")));
    } catch (error) {
      this.failed(error);
      return { status: 500, body: { detail: "The handler failed" } };
    }
  }
}
