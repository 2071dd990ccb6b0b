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
  const { completes } = properties;
  let bag = "";
  // One by one: this is done for each message.
  bag = appended(bag, "stream-group-name", properties.streamGroup);
  bag = appended(bag, "stream-name", properties.stream);
  bag = appended(bag, "batch-id", properties.batchId);
  bag = appended(bag, "batch-slice-id", properties.batchSliceId);
  bag = appended(bag, "message-id", properties.messageId);
  bag = appended(bag, "chunk-id", properties.chunkId);
  if (properties.compressed) bag = appended(bag, "content-encoding", "br");
  if (completes === undefined) return bag;
  return appended(appended(bag, `complete-${completes}`, "true"), "ignore-payload", "true");
}

const UNRESERVED = /^[\w.-]*$/;

function appended(bag: string, name: string, value: string | undefined): string {
  if (value === undefined) return bag;
  const encoded = UNRESERVED.test(value) ? value : encodeURIComponent(value);
  return bag === "" ? `${name}=${encoded}` : `${bag}&${name}=${encoded}`;
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
