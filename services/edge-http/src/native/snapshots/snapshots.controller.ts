import type { remote } from "@fieldlog/contracts";
import { wishOfToken } from "@fieldlog/remote";
import { Controller, Inject, Req, Res } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import { param, readInput } from "../input.js";
import { time } from "../json.js";
import { Operates } from "../operates.js";
import { operations } from "../operations.js";
import { NATIVE, type NativeParts } from "../parts.js";
import { answered, askDevice, checkRegistered } from "../remote-device.js";

/** Devices' cameras. The pictures themselves are in snapshot-routes. */
@Controller()
export class SnapshotsController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  @Operates(operations.getConnection)
  async connection(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    readInput(operations.getConnection, request);
    const device = param(request, "device");
    await checkRegistered(this.parts, namespace.id, device);
    return connectionJson(await answered(this.parts.remote.status(namespace.id, device)));
  }

  @Operates(operations.startSnapshots)
  async start(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const { namespace } = await this.parts.access.namespace(request, "write");
    const { body } = readInput(operations.startSnapshots, request);
    const { resolution, validS } = body;
    const device = param(request, "device");
    const made = await this.parts.sampling.createViewToken({ namespace: namespace.id, device, validS });
    // So that it shows something when the first viewer comes; nobody comes: it stops by itself.
    const value = { resolution, viewer: wishOfToken(made.token) };
    await askDevice(this.parts, namespace.id, device, { case: "wantSnapshots", value });
    void reply.header("cache-control", "no-store");
    const { publicBase, webSocketBase } = this.parts;
    const where = `v1/namespaces/${encodeURIComponent(namespace.name)}/devices/${encodeURIComponent(device)}`;
    const query = `?token=${made.token}&resolution=${resolution}`;
    return {
      streamUrl: `${publicBase(request.raw)}/${where}/snapshots/stream${query}`,
      webSocketUrl: `${webSocketBase(request.raw)}/v1/snapshots${query}`,
      expires: time(made.expiresAt),
    };
  }

  @Operates(operations.stopSnapshots)
  async stop(@Req() request: FastifyRequest): Promise<void> {
    const { namespace } = await this.parts.access.namespace(request, "write");
    readInput(operations.stopSnapshots, request);
    const asked = { case: "stopSnapshots", value: { viewer: "" } } as const;
    await askDevice(this.parts, namespace.id, param(request, "device"), asked);
  }
}

function connectionJson(status: remote.RemoteStatus | undefined) {
  const { sensors = [], inferenceInfoJson = "" } = status ?? {};
  return {
    connected: status !== undefined,
    id: status?.connection ?? null,
    since: status === undefined ? null : time(status.connectedAt),
    protocolVersion: status?.version ?? null,
    encoding: status?.encoding ?? null,
    mode: status?.mode ?? null,
    deviceType: status?.deviceType ?? null,
    sensors:
      status === undefined
        ? null
        : sensors.map(({ name, maxSampleLengthS = null, frequencies }) => ({
            ...{ name, maxSampleLengthS, frequencies },
          })),
    snapshots: status?.snapshots ?? null,
    snapshotsStreaming: status?.snapshotsStreaming ?? null,
    inferenceStreaming: status?.inferenceStreaming ?? null,
    inferenceInfo: inferenceInfoJson === "" ? null : JSON.parse(inferenceInfoJson),
    availableRecords: status?.records === undefined ? null : recordsJson(status.records),
  };
}

function recordsJson({ firstIndex, firstTimestamp, lastIndex, lastTimestamp }: remote.RemoteRecords) {
  return { firstIndex, firstTimestamp, lastIndex, lastTimestamp };
}
