import { InvalidOption } from "./errors.js";
import type { BackOffTimes } from "./link/back-off.js";
import type { Versioned } from "./properties/twin.js";
import type { ProvisioningOperation } from "./provisioning/api.js";
import type { AllowedPorts } from "./remote/remote-access.js";
import type { FullPolicy } from "./store/outbox.js";

/** How a device client is started. */
export interface StartOptions {
  /** 4 to 90 of `0-9 a-z A-Z - _ .`; absent: whoever approves chooses. */
  readonly deviceId?: string;
  /** `pt_…`: shared by all devices that an operator lets in with it. */
  readonly provisioningToken: string;
  /** The file that keeps everything; made if it is not there. One process uses it at a time. */
  readonly db: string;
  /** Of the platform: `host[:port]`. Always HTTPS. */
  readonly instance: string;
  /** PEM certificates that are trusted instead of the system's. */
  readonly ca?: string;
  /** Of MQTT over TLS, at the host that the platform names. Default 8883. */
  readonly mqttPort?: number;
  /** `whsec_…`: with it the device may offer recorded data. */
  readonly signingSecret?: string;
  /** Whether operators may open tunnels to TCP ports of this machine: to all (true), or to these. Default: to none. */
  readonly allowRemoteAccess?: boolean | AllowedPorts;
  /** Bytes of messages that wait at most. Default 1 GiB. */
  readonly maxBytes?: number;
  /** What happens to a message that does not fit: it is refused, or the oldest are dropped. Default "refuse". */
  readonly whenFull?: FullPolicy;
  /** Bytes of received messages that wait for the application; more stay with the platform. Default 64 MiB. */
  readonly maxReceivedBytes?: number;
  /** s without a word after which the line is tested. Default 300. */
  readonly keepAliveS?: number;
  /** Pauses between attempts to connect, in ms. Default from 1,000 to 60,000. */
  readonly backOff?: Partial<BackOffTimes>;
  /** ms between two questions whether an operator has approved. Default 5,000. */
  readonly approvalPollMs?: number;
  /** Ends the start: it may take until an operator approves. */
  readonly signal?: AbortSignal;
  /** Default: written to standard output. */
  readonly displayProvisioningOperation?: (operation: ProvisioningOperation) => void;
  /** Called once after the start, and with each change. */
  readonly desiredPropertiesUpdated?: (desired: Versioned) => void;
  /** Messages were dropped for newer ones. */
  readonly messagesDropped?: (count: number) => void;
  /** The platform refused a message; see `refusedMessages`. */
  readonly messageRefused?: (topic: string, reason: string) => void;
  readonly connectedChanged?: (connected: boolean) => void;
  /** Something went wrong that is tried again, or a handler of the application failed. */
  readonly failed?: (error: unknown) => void;
}

type Defaults =
  | "mqttPort"
  | "maxBytes"
  | "whenFull"
  | "maxReceivedBytes"
  | "keepAliveS"
  | "approvalPollMs"
  | "displayProvisioningOperation";

/** The same, checked and whole. */
export type CheckedOptions = Readonly<
  Omit<StartOptions, Defaults | "backOff"> &
    Required<Pick<StartOptions, Defaults>> & { backOff: BackOffTimes }
>;

const DEVICE_ID = /^[0-9a-zA-Z\-_.]{4,90}$/;

/** Raises InvalidOption. */
export function checkOptions(given: StartOptions): CheckedOptions {
  const options: CheckedOptions = {
    ...{ mqttPort: 8883, maxBytes: 1024 ** 3, whenFull: "refuse", maxReceivedBytes: 64 * 1024 ** 2 },
    ...{ keepAliveS: 300, approvalPollMs: 5_000, displayProvisioningOperation: show },
    ...given,
    instance: instanceOf(given.instance),
    backOff: { firstMs: 1_000, mostMs: 60_000, ...given.backOff },
  };
  if (options.deviceId !== undefined && !DEVICE_ID.test(options.deviceId)) {
    throw new InvalidOption("deviceId", "must be 4 to 90 of 0-9 a-z A-Z - _ .");
  }
  if (!isText(options.provisioningToken)) throw new InvalidOption("provisioningToken", "is missing");
  if (!isText(options.db)) throw new InvalidOption("db", "must be the name of a file");
  whole("mqttPort", options.mqttPort, 1, 65_535);
  whole("maxBytes", options.maxBytes, 1_024, Number.MAX_SAFE_INTEGER);
  whole("maxReceivedBytes", options.maxReceivedBytes, 1_024, Number.MAX_SAFE_INTEGER);
  whole("keepAliveS", options.keepAliveS, 1, 65_535);
  whole("approvalPollMs", options.approvalPollMs, 1, 3_600_000);
  whole("backOff.firstMs", options.backOff.firstMs, 1, options.backOff.mostMs);
  if (!["refuse", "drop-oldest"].includes(options.whenFull)) {
    throw new InvalidOption("whenFull", "must be refuse or drop-oldest");
  }
  const { allowRemoteAccess: allowed = false } = options;
  if (typeof allowed !== "boolean") {
    for (const port of allowed.ports) whole("allowRemoteAccess.ports", port, 1, 65_535);
  }
  return Object.freeze(options);
}

function instanceOf(given: string): string {
  const url = typeof given === "string" && given !== "" ? `https://${given.replace(/^https:\/\//, "")}` : "";
  if (!URL.canParse(url) || given.startsWith("http:"))
    throw new InvalidOption("instance", "must be host[:port]");
  return new URL(url).host;
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "" && !/[\0\r\n]/.test(value);
}

function whole(option: string, value: number, least: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw new InvalidOption(option, `must be a whole number from ${least} to ${most}`);
  }
}

function show({ id, verificationCode, expirationTime }: ProvisioningOperation): void {
  const until = Number.isNaN(expirationTime.getTime()) ? "" : ` until ${expirationTime.toISOString()}`;
  process.stdout.write(
    `Approve provisioning operation ${id}, verification code ${verificationCode}${until}\n`,
  );
}
