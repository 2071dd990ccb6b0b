import type { OwnWrites } from "@fieldlog/admission";
import { REGISTRY, type streams } from "@fieldlog/contracts";
import type { RpcClient } from "@fieldlog/rpc";
import type { FastifyInstance } from "fastify";
import type { Access } from "../../native/access.js";
import { Refusal } from "../refusal.js";
import { type Asked, bodyOf, type ServeOptions, serveOperator } from "../serve.js";
import { MODES, streamOperations as own, SetGroup, SetStream } from "./stream-operations.js";

export interface StreamRoutesParts {
  readonly access: Access;
  readonly streams: RpcClient<typeof streams.StreamsService>;
  readonly ownWrites: OwnWrites;
}

/** What operators of the dialect ask of stream groups and streams, by a native key as Bearer: sections B2 and B10. */
export function streamRoutes(app: FastifyInstance, parts: StreamRoutesParts, options: ServeOptions): void {
  const { access, streams: client, ownWrites } = parts;
  const groups = async ({ namespace }: Asked) => {
    const atLeast = BigInt(ownWrites.of(namespace.id, REGISTRY));
    return (await client.listGroups({ namespace: namespace.id, atLeast })).groups;
  };
  /** The group as it is, if it is there. */
  const groupOf = async (asked: Asked, name: string) =>
    (await groups(asked)).find((group) => group.name === name);
  const wrote = ({ namespace }: Asked, { sequence }: { sequence: bigint }) =>
    ownWrites.note(namespace.id, REGISTRY, Number(sequence));

  serveOperator(app, options, access, own.listGroups, async (asked) => ({
    streamGroups: (await groups(asked)).map(groupJson),
  }));
  serveOperator(app, options, access, own.setGroup, async (asked) => {
    const { name, defaultStream, isDefault } = bodyOf(SetGroup, asked.request);
    const before = (await groupOf(asked, name))?.set;
    const set = {
      defaultStream: defaultStream ?? before?.defaultStream ?? "",
      defaultGroup: isDefault ?? before?.defaultGroup ?? false,
    };
    const { namespace, decidedBy } = asked;
    wrote(asked, await client.setGroup({ namespace: namespace.id, group: name, set, decidedBy }));
    return groupJson(there(await groupOf(asked, name)));
  });
  serveOperator(app, options, access, own.listStreams, async (asked) => ({
    streams: (await groups(asked)).flatMap((group) => group.streams.map(streamJson)),
  }));
  serveOperator(app, options, access, own.setStream, async (asked) => {
    const { streamGroupName: group, streamName: name, ...body } = bodyOf(SetStream, asked.request);
    const set = {
      concatenation: MODES[body.concatenationMode],
      batchPattern: body.batchIdAutofillPattern ?? "",
      messagePattern: body.messageIdAutofillPattern ?? "",
    };
    const { namespace, decidedBy } = asked;
    wrote(asked, await client.setStream({ namespace: namespace.id, group, stream: name, set, decidedBy }));
    const found = there(await groupOf(asked, group)).streams.find((one) => one.name === name);
    return streamJson(there(found));
  });
}

/** Somebody else may have removed it in the meantime. Raises Refusal 404. */
function there<T>(found: T | undefined): T {
  if (found === undefined) throw new Refusal(404, "It was removed.");
  return found;
}

function groupJson({ name, set }: streams.Group) {
  return {
    ...{ name, useWorkspaceStorage: true, defaultStream: set?.defaultStream || null },
    isDefault: set?.defaultGroup ?? false,
  };
}

function streamJson({ group, name, set }: streams.Stream) {
  const mode = Object.entries(MODES).find(([, ours]) => ours === set?.concatenation)?.[0];
  return {
    ...{ streamGroupName: group, streamName: name, concatenationMode: mode ?? "None" },
    batchIdAutofillPattern: set?.batchPattern || null,
    messageIdAutofillPattern: set?.messagePattern || null,
  };
}
