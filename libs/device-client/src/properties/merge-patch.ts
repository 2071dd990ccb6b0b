/** A JSON value as properties hold it. */
export type PropertyValue =
  | string
  | number
  | boolean
  | null
  | readonly PropertyValue[]
  | { readonly [key: string]: PropertyValue };

/** Properties: a JSON object. */
export type Properties = { readonly [key: string]: PropertyValue };

/** JSON merge patch (RFC 7396), where the patched is an object: null deletes, arrays are replaced. */
export function applied(patch: Properties, to: Properties): Properties {
  const result = new Map(Object.entries(to));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else if (isObject(value)) {
      const before = result.get(key);
      result.set(key, applied(value, isObject(before) ? before : {}));
    } else result.set(key, value);
  }
  return Object.fromEntries(result);
}

/** The patch that makes `after` of `before`; undefined: they are the same. Nulls in `after` count as absent. */
export function difference(before: Properties, after: Properties): Properties | undefined {
  const patch: [string, PropertyValue][] = [];
  for (const key of Object.keys(before)) {
    if (!Object.hasOwn(after, key) || after[key] === null) patch.push([key, null]);
  }
  for (const [key, value] of Object.entries(after)) {
    if (value === null) continue;
    const old = Object.hasOwn(before, key) ? before[key] : undefined;
    if (isObject(value) && isObject(old)) {
      const inner = difference(old, value);
      if (inner !== undefined) patch.push([key, inner]);
    } else if (old === undefined || !isSame(old, value)) patch.push([key, value]);
  }
  return patch.length === 0 ? undefined : Object.fromEntries(patch);
}

/** Without nulls, as the platform keeps it. */
export function withoutNulls(properties: Properties): Properties {
  return applied(properties, {});
}

function isSame(one: PropertyValue, other: PropertyValue): boolean {
  if (one === other) return true;
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((value, index) => isSame(value, other[index]));
  }
  return isObject(one) && isObject(other) && difference(one, other) === undefined;
}

function isObject(value: PropertyValue | undefined): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
