/** Where the device connects, and as whom. */
export interface Connection {
  readonly host: string;
  readonly workspaceId: string;
  readonly deviceId: string;
  /** The password: a shared access signature. */
  readonly signature: string;
  /** ms since 1970 UTC. */
  readonly issuedAt: number;
  readonly expiresAt: number | undefined;
}

/**
 * A connection string (reference B2): `K=V;K=V`, values may hold `=`. `DeviceId` is split at the first colon. Undefined:
 * it is malformed.
 */
export function parseConnection(
  text: string,
  host: string,
  issuedAt: number,
  expiresAt: number | undefined,
): Connection | undefined {
  const values = new Map<string, string>();
  for (const part of text.split(";")) {
    const equals = part.indexOf("=");
    if (equals > 0) values.set(part.slice(0, equals), part.slice(equals + 1));
  }
  const id = values.get("DeviceId") ?? "";
  const colon = id.indexOf(":");
  const signature = values.get("SharedAccessSignature") ?? "";
  if (colon < 1 || colon === id.length - 1 || signature === "") return undefined;
  const [workspaceId, deviceId] = [id.slice(0, colon), id.slice(colon + 1)];
  return { host, workspaceId, deviceId, signature, issuedAt, expiresAt };
}
