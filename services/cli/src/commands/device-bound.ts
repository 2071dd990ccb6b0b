import { type Command, InvalidArgumentError } from "commander";
import { part } from "../api/api.js";
import { contextOf, NAMESPACE, type Scope } from "../context.js";
import { clean, SHOWN } from "../output/text.js";
import type { World } from "../world.js";

/** Seconds that a device may take: less than the request to the server may. */
const TIMEOUT_S = 25;

/** `devices send` and `devices call`. */
export function addDeviceBound(devices: Command, world: World): void {
  devices
    .command("send")
    .argument("<id>", "the device's id")
    .argument("<text>", "what the device gets")
    .description("Sends a provisioned device a message, which waits until the device takes it.")
    .option(...NAMESPACE)
    .option("--property <name=value>", "a property of it; as often as there are", property, [])
    .action(async (id: string, text: string, options: Scope & { property: string[] }, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const query = new URLSearchParams(options.property.map((pair): [string, string] => ["property", pair]));
      const path = `${pathOf(options, id)}/messages${query.size > 0 ? `?${query}` : ""}`;
      const sent = await api.post<{ id: string; position: number }>(path, Buffer.from(text));
      print(sent, () => `${paint("green", "Sent")} message ${clean(sent.id)} to device ${clean(id)}.\n`);
    });

  devices
    .command("call")
    .argument("<id>", "the device's id")
    .argument("<method>", "what it is to do")
    .argument("[json]", "with what", json)
    .description("Calls a method of a provisioned device that is connected, and shows its answer.")
    .option(...NAMESPACE)
    .option("--timeout <seconds>", "that the device may take", seconds, TIMEOUT_S)
    .action(
      async (
        id: string,
        method: string,
        given: string | undefined,
        options: Scope & { timeout: number },
        command: Command,
      ) => {
        const { api, print, paint } = contextOf(command, world);
        const path = `${pathOf(options, id)}/methods/${part(method)}?timeoutMs=${options.timeout * 1_000}`;
        const answer = await api.post<{ status: number; payload: unknown }>(
          path,
          Buffer.from(given ?? "null"),
        );
        print(answer, () => {
          const text = clean(JSON.stringify(answer.payload), SHOWN);
          return `${paint("bold", String(answer.status))} ${text}\n`;
        });
      },
    );
}

function pathOf({ namespace }: Scope, device: string): string {
  return `/v1/namespaces/${part(namespace)}/devices/${part(device)}`;
}

function property(pair: string, before: string[]): string[] {
  if (!/^[^=]+=/.test(pair)) throw new InvalidArgumentError("It must be name=value.");
  return [...before, pair];
}

function json(text: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch {
    throw new InvalidArgumentError("It must be JSON.");
  }
}

function seconds(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= TIMEOUT_S) return value;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${TIMEOUT_S}.`);
}
