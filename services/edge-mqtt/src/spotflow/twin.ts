import { isUtf8 } from "node:buffer";
import { fromBinary } from "@bufbuild/protobuf";
import { type properties, registry } from "@fieldlog/contracts";
import { type RpcClient, RpcError } from "@fieldlog/rpc";

export type PropertiesClient = Pick<
  RpcClient<typeof properties.PropertiesService>,
  "getProperties" | "changeReported"
>;

/** What is answered to a device. */
export interface TwinAnswer {
  readonly status: number;
  readonly version?: number;
  readonly body: string;
}

/** What is wanted of the device from now on, as a difference. */
export interface DesiredPush {
  readonly version: number;
  readonly body: string;
}

interface Device {
  readonly namespace: string;
  readonly id: string;
}

/** Codes with which a report is refused for good, and what the dialect calls them. */
const refusals: Partial<Record<RpcError["code"], number>> = {
  invalid_argument: 400,
  not_found: 404,
  aborted: 412,
  failed_precondition: 412,
  resource_exhausted: 429,
};

/** What a device is told of its properties, and tells (spotflow reference B4, twin). */
export class Twin {
  /** Version of the desired properties that the device was told last on this connection. */
  private told: number | undefined;

  constructor(
    private readonly client: PropertiesClient,
    private readonly device: Device,
  ) {}

  /** Raises RpcError. */
  async get(): Promise<TwinAnswer> {
    const { namespace, id } = this.device;
    const { desired, reported } = await this.client.getProperties({ namespace, device: id });
    this.told = Math.max(Number(desired?.version ?? 1n), this.told ?? 0);
    return { status: 200, body: JSON.stringify({ desired: whole(desired), reported: whole(reported) }) };
  }

  /**
   * Raises RpcError where the same may be sent again; what is refused for good is an answer.
   *
   * @param version of the reported properties that the patch is based on; undefined: any
   */
  async report(payload: Uint8Array, version: number | undefined): Promise<TwinAnswer> {
    const { namespace, id } = this.device;
    if (!isUtf8(payload)) return refusal(400, "the patch is not UTF-8");
    const patchJson = Buffer.from(payload).toString("utf8");
    try {
      const { now } = await this.client.changeReported({
        ...{ namespace, device: id, patchJson, decidedBy: `device:${id}` },
        ...(version === undefined ? {} : { expectedVersion: BigInt(version) }),
        ...(this.told === undefined ? {} : { takenVersion: BigInt(this.told) }),
      });
      return { status: 204, version: Number(now?.version ?? 1n), body: "" };
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      const status = refusals[error.code];
      if (status === undefined || (error.code === "aborted" && version === undefined)) throw error;
      return refusal(status, error.message, Number(error.details["version"]) || undefined);
    }
  }

  noteTold(version: number): void {
    this.told = version;
  }
}

/** What a decision wants of the device; each is for itself, since a device takes one version after the other. */
export function desiredPushes(data: Uint8Array): DesiredPush[] {
  return fromBinary(registry.DecisionSchema, data).events.flatMap(({ event }) => {
    if (event.case !== "desiredChanged") return [];
    const { version, patchJson } = event.value;
    return [{ version: Number(version), body: withVersion(patchJson, Number(version)) }];
  });
}

function whole(given: properties.VersionedJson | undefined): object {
  const version = Number(given?.version ?? 1n);
  return JSON.parse(withVersion(given?.json || "{}", version)) as object;
}

function withVersion(json: string, version: number): string {
  return JSON.stringify({ ...(JSON.parse(json) as object), $version: version });
}

function refusal(status: number, message: string, version?: number): TwinAnswer {
  return { status, ...(version === undefined ? {} : { version }), body: JSON.stringify({ message }) };
}
