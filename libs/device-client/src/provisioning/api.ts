import { ProvisioningFailed } from "../errors.js";
import { type Connection, parseConnection } from "./connection-string.js";
import { type Answer, type Https, Unreachable } from "./https.js";

/** A pending request to be let in, as it is shown to whoever approves it. */
export interface ProvisioningOperation {
  readonly id: string;
  /** For people, to be read aloud or typed. */
  readonly verificationCode: string;
  readonly expirationTime: Date;
}

/** What proves which device this is. */
export interface RegistrationToken {
  readonly token: string;
  /** ms since 1970 UTC, of this device's clock. */
  readonly issuedAt: number;
  /** Undefined: it does not end. */
  readonly expiresAt: number | undefined;
}

const CANCELLED = "/problems/deviceProvisioning/provisioningOperationCancelled";

/**
 * The device's four endpoints (reference B2). Each raises Unreachable for every answer that may be another one later:
 * no connection, 423 of a disabled namespace, 429, 5xx.
 */
export class ProvisioningApi {
  constructor(
    private readonly https: Https,
    private readonly now: () => number,
  ) {}

  /** Raises ProvisioningFailed if the token is wrong (401), or no such device may be (400). */
  async init(
    provisioningToken: string,
    deviceId: string | undefined,
    signal: AbortSignal,
  ): Promise<ProvisioningOperation> {
    const body = deviceId === undefined ? {} : { deviceId };
    const path = "/provisioning-operations/init";
    const answer = await this.ask("POST", path, provisioningToken, body, signal);
    if (answer.status === 401) throw invalidToken();
    if (answer.status === 400) throw new ProvisioningFailed("provisioning-refused", titleOf(answer));
    const told = expectBody(answer);
    return {
      id: textOf(told, "provisioningOperationId"),
      verificationCode: textOf(told, "verificationCode"),
      expirationTime: new Date(timeOf(told["expirationTime"]) ?? Number.NaN),
    };
  }

  /** "pending": not approved yet; "gone": begin anew. Raises ProvisioningFailed if it was cancelled. */
  async complete(
    provisioningToken: string,
    provisioningOperationId: string,
    signal: AbortSignal,
  ): Promise<RegistrationToken | "pending" | "gone"> {
    const path = "/provisioning-operations/complete";
    const answer = await this.ask("PUT", path, provisioningToken, { provisioningOperationId }, signal);
    if (answer.status === 202) return "pending";
    if (answer.status === 401) throw invalidToken();
    if (answer.status === 410) {
      if (answer.body?.["type"] !== CANCELLED) return "gone";
      throw new ProvisioningFailed(
        "provisioning-cancelled",
        "an operator cancelled the provisioning operation",
      );
    }
    return this.tokenIn(answer);
  }

  /** "rejected": the registration token is good no more. */
  async register(registrationToken: string, signal: AbortSignal): Promise<Connection | "rejected"> {
    const body = { connectionStringType: "SharedAccessSignature" };
    const answer = await this.ask("PUT", "/devices/register", registrationToken, body, signal);
    if (answer.status === 401) return "rejected";
    const told = expectBody(answer);
    const connection = parseConnection(
      textOf(told, "connectionString"),
      textOf(told, "iotHubHostName"),
      this.now(),
      timeOf(told["connectionStringExpiration"]),
    );
    if (connection === undefined) throw new Unreachable("the connection string is malformed");
    return connection;
  }

  /** "rejected": the registration token is good no more. */
  async refresh(
    provisioningToken: string,
    registrationToken: string,
    signal: AbortSignal,
  ): Promise<RegistrationToken | "rejected"> {
    const path = "/devices/registration-tokens/refresh";
    const answer = await this.ask("PUT", path, provisioningToken, { registrationToken }, signal);
    return answer.status === 410 ? "rejected" : this.tokenIn(answer);
  }

  private tokenIn(answer: Answer): RegistrationToken {
    const told = expectBody(answer);
    const expiresAt = timeOf(told["expirationTime"]);
    return { token: textOf(told, "registrationToken"), issuedAt: this.now(), expiresAt };
  }

  private ask(
    method: "POST" | "PUT",
    path: string,
    token: string,
    body: object,
    signal: AbortSignal,
  ): Promise<Answer> {
    return this.https.call(
      { method, path, headers: { authorization: `DeviceToken ${token}` }, body },
      signal,
    );
  }
}

function invalidToken(): ProvisioningFailed {
  return new ProvisioningFailed("provisioning-token-invalid", "the provisioning token is not valid");
}

function titleOf({ body }: Answer): string {
  const title = body?.["title"];
  return typeof title === "string" && title !== "" ? title : "the platform refuses this device";
}

function expectBody({ status, body }: Answer): Readonly<Record<string, unknown>> {
  if (status < 200 || status > 299 || body === undefined)
    throw new Unreachable(`the platform answers ${status}`);
  return body;
}

function textOf(body: Readonly<Record<string, unknown>>, name: string): string {
  const value = body[name];
  if (typeof value !== "string" || value === "") throw new Unreachable(`the platform's answer lacks ${name}`);
  return value;
}

/** Undefined: it says none. */
function timeOf(value: unknown): number | undefined {
  const time = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
