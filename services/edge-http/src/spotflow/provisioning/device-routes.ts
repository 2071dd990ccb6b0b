import { hash } from "node:crypto";
import type { Known } from "@fieldlog/admission";
import type { provisioning } from "@fieldlog/contracts";
import { type RpcClient, RpcError } from "@fieldlog/rpc";
import type { MqttPlace, PublicBase } from "@fieldlog/runtime";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { AddressOf } from "../../http/sender-address.js";
import { time } from "../../native/json.js";
import type { Operation } from "../operation.js";
import { refusals } from "../refusal.js";
import { bodyOf, type Handle, type ServeOptions, serve } from "../serve.js";
import { Addresses } from "./addresses.js";
import { connectionString, remaining } from "./connection-string.js";
import {
  Complete,
  Init,
  provisioningOperations as own,
  Refresh,
  Register,
} from "./provisioning-operations.js";

export interface DeviceRoutesParts {
  readonly provisioning: RpcClient<typeof provisioning.ProvisioningService>;
  readonly known: Known;
  readonly publicBase: PublicBase;
  /** Where MQTT is; undefined: on the host of the public base. */
  readonly publicMqtt: MqttPlace | undefined;
  readonly addressOf: AddressOf;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

const WHAT = { provisioningToken: "provisioning token", registrationToken: "registration token" } as const;

/** What devices ask to come in, and to stay in: section B2. */
export function deviceRoutes(app: FastifyInstance, parts: DeviceRoutesParts, options: ServeOptions): void {
  const addresses = new Addresses(parts.now);
  const add = (
    operation: Operation & { readonly by: keyof typeof WHAT },
    handle: (tokenHash: Uint8Array, ...rest: Parameters<Handle>) => Promise<object>,
  ) =>
    serve(app, options, operation, async (request, reply) => {
      const { by } = operation;
      const address = parts.addressOf(request.raw);
      addresses.check(address);
      void reply.header("cache-control", "no-store");
      try {
        return await handle(tokenHashOf(request, WHAT[by]), request, reply);
      } catch (error) {
        if (!(error instanceof RpcError) || error.code !== "unauthenticated") throw error;
        if (by === "provisioningToken") addresses.wrong(address);
        throw refusals.noToken(WHAT[by]);
      }
    });
  add(own.init, (tokenHash, request) => init(parts, tokenHash, request));
  add(own.complete, async (tokenHash, request, reply) => {
    const { provisioningOperationId: operation } = bodyOf(Complete, request);
    const issued = await complete(parts, tokenHash, operation);
    // Not approved yet: it asks again.
    if (issued === undefined) void reply.code(202);
    return issued ?? {};
  });
  add(own.register, (tokenHash, request) => register(parts, tokenHash, request));
  add(own.refresh, async (provisioningTokenHash, request, reply) => {
    const { registrationToken } = bodyOf(Refresh, request);
    const registrationTokenHash = hashOf(registrationToken);
    const issued = await parts.provisioning.refreshRegistration({
      ...{ provisioningTokenHash, registrationTokenHash },
    });
    void reply.code(issued.again ? 200 : 201);
    return issuedJson(issued);
  });
}

async function init(
  { provisioning: client, addressOf }: DeviceRoutesParts,
  tokenHash: Uint8Array,
  request: FastifyRequest,
) {
  const { deviceId, attributes } = bodyOf(Init, request);
  const { operation } = await client.beginProvisioning({
    ...{ tokenHash, deviceId: deviceId ?? "", attributes: attributes ?? {} },
    address: addressOf(request.raw),
  });
  if (operation?.begun === undefined) throw new Error("auth answered without an operation");
  return {
    provisioningOperationId: operation.id,
    verificationCode: operation.begun.verificationCode,
    expirationTime: time(operation.begun.expiresAt),
  };
}

async function complete(
  { provisioning: client }: DeviceRoutesParts,
  tokenHash: Uint8Array,
  operation: string,
): Promise<object | undefined> {
  try {
    const issued = await client.completeProvisioning({ tokenHash, operation });
    return issued.registrationToken === "" ? undefined : issuedJson(issued);
  } catch (error) {
    // Not polled for ever: the device begins anew.
    if (error instanceof RpcError && error.code === "not_found") throw refusals.expired();
    throw error;
  }
}

async function register(
  { provisioning: client, publicBase, publicMqtt, now }: DeviceRoutesParts,
  tokenHash: Uint8Array,
  request: FastifyRequest,
) {
  bodyOf(Register, request);
  const opened = await client.openRegistration({ tokenHash });
  const { namespace, device, connectionToken: token, expiresAt } = opened;
  const host = publicMqtt?.host ?? new URL(publicBase(request.raw)).hostname;
  const until = Number(opened.connectionExpiresAt);
  return {
    connectionString: connectionString({ host, namespace, device, token, expiresAt: until }),
    iotHubHostName: host,
    connectionStringType: "SharedAccessSignature",
    connectionStringExpiration: time(until),
    tokenRemainingLifetime: expiresAt === undefined ? null : remaining(Number(expiresAt) - now()),
  };
}

function issuedJson(issued: { registrationToken: string; expiresAt?: bigint | undefined }) {
  const { registrationToken, expiresAt } = issued;
  return { registrationToken, expirationTime: expiresAt === undefined ? null : time(expiresAt) };
}

/** Characters of the longest thing that is looked up as a token. */
const LONGEST = 1_024;

/** Of `Authorization: DeviceToken <token>`. Raises Refusal 401. */
function tokenHashOf(request: FastifyRequest, what: string): Uint8Array {
  const header = request.headers.authorization ?? "";
  const token = /^devicetoken +(\S+) *$/i.exec(header.length <= LONGEST ? header : "")?.[1];
  if (token === undefined) throw refusals.noToken(what);
  return hashOf(token);
}

function hashOf(token: string): Buffer {
  return hash("sha256", token, "buffer");
}
