import { number } from "@fieldlog/arguments";
import { InvalidArgumentError } from "commander";

/** The origin of an HTTP address. */
export function httpUrl(text: string): string {
  const url = URL.parse(text);
  if (!url || !["http:", "https:"].includes(url.protocol))
    throw new InvalidArgumentError("not an HTTP address");
  return url.origin;
}

export function mqttUrl(text: string): string {
  const url = URL.parse(text);
  if (!url || !["mqtt:", "mqtts:", "ws:", "wss:"].includes(url.protocol))
    throw new InvalidArgumentError("not an MQTT address");
  return url.href;
}

/** How many times as fast. */
export const factor = number(1, 10_000);
