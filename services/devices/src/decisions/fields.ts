import { isDeepStrictEqual } from "node:util";

/** The message's own fields that are there; its type's name is none, and an empty list is not there. */
export function present<T extends object>(message: T | undefined): Partial<T> {
  const fields = Object.entries(message ?? {});
  return Object.fromEntries(
    fields.filter(([name, value]) => value !== undefined && !name.startsWith("$") && !isEmptyList(value)),
  ) as Partial<T>;
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** The fields of `asked` that are there and are not so `now`. */
export function difference<T extends object>(now: T, asked: Partial<T>): Partial<T> {
  const fields = Object.entries(present(asked));
  return Object.fromEntries(
    fields.filter(([name, value]) => !isDeepStrictEqual(now[name as keyof T], value)),
  ) as Partial<T>;
}
