import { saf } from "@fieldlog/contracts";

export type StatusType = saf.StatusMessage_StatusType;
export const StatusType = saf.StatusMessage_StatusType;

/** Why a CSN request is not granted, as the client is told (A3). A value, not an exception. */
export class Refusal {
  constructor(
    readonly type: StatusType,
    readonly message: string,
    /** HTTP status; the reference answers 400 to all that the client did wrong. */
    readonly http: number = 400,
    /** Seconds after which to try again; for the header Retry-After. */
    readonly retryAfterS?: number,
  ) {}
}

export const refusals = {
  undecodable: new Refusal(StatusType.INVALID_REQUEST, "Could not decode request."),
  missing: (name: string) => new Refusal(StatusType.INVALID_REQUEST, `Missing required field: ${name}`),
  badDate: (text: string) =>
    new Refusal(StatusType.INVALID_REQUEST, `Datetime object "${text.slice(0, 64)}" was not parseable.`),
  invalid: (message: string) => new Refusal(StatusType.INVALID_REQUEST, message),
  unknownNamespace: (namespace: string) =>
    new Refusal(StatusType.INVALID_REQUEST, `Namespace "${namespace.slice(0, 64)}" does not exist.`),
  unknownClient: (id: string) =>
    new Refusal(StatusType.UNKNOWN_CLIENT, `Client "${id.slice(0, 64)}" does not exist.`),
  unknownSensor: (id: string) => new Refusal(StatusType.UNKNOWN_SENSOR, `Sensor "${id}" does not exist.`),
  noSuchKey: (key: string) => new Refusal(StatusType.INVALID_REQUEST, `Key "${key}" does not exist.`),
  nameUnavailable: new Refusal(StatusType.NAME_UNAVAILABLE, "Another client has this name."),
  badSignature: new Refusal(StatusType.INVALID_REQUEST, "Signature does not match."),
  unavailable: (retryAfterS: number) =>
    new Refusal(
      StatusType.DATASTORE_ERROR,
      "The log cannot take this now. Send the same message again.",
      503,
      retryAfterS,
    ),
  deadlineExceeded: (retryAfterS: number) =>
    new Refusal(
      StatusType.DEADLINE_EXCEEDED,
      "A service did not answer in time. Send the same message again.",
      503,
      retryAfterS,
    ),
  disabled: new Refusal(StatusType.INVALID_REQUEST, "The namespace is disabled.", 423, 60),
  tooManyQueries: new Refusal(StatusType.OVER_QUOTA_ERROR, "Too many queries.", 429, 1),
  overQuota: (retryAfterS: number) =>
    new Refusal(StatusType.OVER_QUOTA_ERROR, "Too many requests of this client.", 429, retryAfterS),
  pathNotFound: new Refusal(StatusType.PATH_NOT_FOUND, "There is no such path.", 404),
  tooLarge: (limit: number) =>
    new Refusal(StatusType.INVALID_REQUEST, `The request is larger than ${limit} bytes.`, 413),
  tooSlow: new Refusal(StatusType.SERVER_TIMEOUT, "The request did not arrive in time.", 408),
  unforeseen: new Refusal(StatusType.UNKNOWN_ERROR, "The server failed to answer.", 500),
} as const;
