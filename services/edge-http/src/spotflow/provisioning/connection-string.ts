/** Section B4: the port is the client's own, and the path none. */
export interface ConnectionStringParts {
  /** Name or address of this server, without port. */
  readonly host: string;
  /** Id of the namespace. */
  readonly namespace: string;
  readonly device: string;
  /** With which the device connects; base64url. */
  readonly token: string;
  /** ms since 1970 UTC. */
  readonly expiresAt: number;
}

/** What the device connects with; its parts are parted by `;`, which none of them holds (section B2). */
export function connectionString(parts: ConnectionStringParts): string {
  const { host, namespace, device, token, expiresAt } = parts;
  const seconds = Math.floor(expiresAt / 1_000);
  const signature = `SharedAccessSignature sr=${host}&sig=${token}&se=${seconds}`;
  return `HostName=${host};DeviceId=${namespace}:${device};SharedAccessSignature=${signature}`;
}

const SECOND = 1_000;
const DAY_S = 86_400;

/** `[d.]hh:mm:ss`, of milliseconds that are left; nothing is left of less than a second. */
export function remaining(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / SECOND));
  const days = Math.floor(seconds / DAY_S);
  const clock = new Date((seconds % DAY_S) * SECOND).toISOString().slice(11, 19);
  return days === 0 ? clock : `${days}.${clock}`;
}
