import { InvalidArgumentError } from "commander";

type Read = (text: string) => number;

/** Reads a number within bounds. Raises InvalidArgumentError. */
export function number(least: number, most: number): Read {
  return within(least, most, "a number", Number.isFinite);
}

/** The same without a fraction. */
export function wholeNumber(least: number, most: number): Read {
  return within(least, most, "a whole number", Number.isInteger);
}

function within(least: number, most: number, what: string, is: (value: number) => boolean): Read {
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (is(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`${what} from ${least} to ${most}`);
  };
}
