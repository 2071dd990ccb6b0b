/** What a stream's message says of itself beside its payload. */
export interface StreamProperties {
  readonly streamGroup?: string | undefined;
  readonly stream?: string | undefined;
  readonly batchId?: string | undefined;
  readonly batchSliceId?: string | undefined;
  readonly messageId?: string | undefined;
  readonly chunkId?: string | undefined;
  readonly compressed?: boolean;
  readonly completes?: "batch" | "message" | undefined;
}

/** The property bag of a telemetry topic: names and order as the reference has them (B4). */
export function encodeBag(properties: StreamProperties): string {
  const pairs: [name: string, value: string | undefined][] = [
    ["stream-group-name", properties.streamGroup],
    ["stream-name", properties.stream],
    ["batch-id", properties.batchId],
    ["batch-slice-id", properties.batchSliceId],
    ["message-id", properties.messageId],
    ["chunk-id", properties.chunkId],
    ["content-encoding", properties.compressed ? "br" : undefined],
    ["complete-batch", properties.completes === "batch" ? "true" : undefined],
    ["complete-message", properties.completes === "message" ? "true" : undefined],
    ["ignore-payload", properties.completes === undefined ? undefined : "true"],
  ];
  return pairs
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`]))
    .join("&");
}

const EXTERNALIZED = "has-externalized-payload=true";
const BEFORE_COMPLETION = /&?complete-(batch|message)=true/;

/** The same bag for a payload that was uploaded. */
export function externalized(bag: string): string {
  const completion = BEFORE_COMPLETION.exec(bag);
  if (completion === null) return bag === "" ? EXTERNALIZED : `${bag}&${EXTERNALIZED}`;
  const rest = bag.slice(completion.index).replace(/^&/, "");
  const before = bag.slice(0, completion.index);
  return [before, EXTERNALIZED, rest].filter((part) => part !== "").join("&");
}

/** The bag of a message to the device (reference B4). What is malformed in it is taken as it stands. */
export function decodeBag(bag: string): Record<string, string> {
  const properties: Record<string, string> = {};
  for (const pair of bag.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const [name, value] = equals < 0 ? [pair, ""] : [pair.slice(0, equals), pair.slice(equals + 1)];
    Object.defineProperty(properties, decoded(name), {
      value: decoded(value),
      enumerable: true,
      configurable: true,
    });
  }
  return properties;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
