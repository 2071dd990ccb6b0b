/** With what a device of this dialect logs in (spotflow reference B4). */
export interface HubLogin {
  /** Namespace id, as the user name has it. */
  readonly workspace: string;
  readonly device: string;
  readonly token: string;
}

const USER_NAME = /^[^/]*\/([^/:]+):([^/]+)\/\?api-version=[\w.&=%-]+$/;
const SIGNATURE = /^SharedAccessSignature (?:[^&]*&)*?sig=([^&]+)/;

/**
 * User name `<host>/<workspace>:<device>/?api-version=…`, client id `<workspace>:<device>`, and a shared access signature
 * whose `sig` is the connection token. Undefined: it is no log-in of this dialect. "wrong": one that does not fit together.
 */
export function readHubLogin(
  userName: string,
  password: Uint8Array,
  clientId: string,
): HubLogin | "wrong" | undefined {
  const [, workspace, device] = USER_NAME.exec(userName) ?? [];
  if (workspace === undefined || device === undefined) return undefined;
  const token = SIGNATURE.exec(Buffer.from(password).toString("utf8"))?.[1];
  if (token === undefined || clientId !== hubId(workspace, device)) return "wrong";
  return { workspace, device, token };
}

export function isHubUserName(userName: string | undefined): boolean {
  return userName !== undefined && USER_NAME.test(userName);
}

/** What the dialect calls a device: in client ids and topics. */
export function hubId(workspace: string, device: string): string {
  return `${workspace}:${device}`;
}
