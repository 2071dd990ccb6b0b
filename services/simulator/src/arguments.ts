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

export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new InvalidArgumentError(`a whole number from ${least} to ${most}`);
    }
    return value;
  };
}

/** How many times as fast. */
export function factor(text: string): number {
  const value = Number(text);
  if (!(value >= 1 && value <= 10_000)) throw new InvalidArgumentError("a number from 1 to 10000");
  return value;
}
