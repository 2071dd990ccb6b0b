import { toBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import { storable } from "../storable.js";

/** A signal with a plain message, as this read model needs it. Times are ms since 1970 UTC. */
export interface Published {
  readonly identity: string;
  readonly receivedAt: number;
  readonly topic: string;
  readonly payload: Uint8Array;
  /** fieldlog.signals.v1.Publication, encoded. */
  readonly publication: Uint8Array;
  readonly retain: boolean;
  readonly expiresAt: number | undefined;
}

/** Undefined: the signal holds no plain message. */
export function publishedOf({
  identity,
  receivedAt,
  publication,
  body,
}: signals.Signal): Published | undefined {
  if (body.case !== "message") return undefined;
  return {
    ...{ identity, receivedAt: Number(receivedAt), payload: body.value.payload },
    ...told(publication),
    publication: publication ? toBinary(signals.PublicationSchema, publication) : new Uint8Array(),
  };
}

/** What of a publication is in columns. */
export function told(
  publication: signals.Publication | undefined,
): Pick<Published, "topic" | "retain" | "expiresAt"> {
  const { topic = "", retain = false, expiresAt } = publication ?? {};
  return {
    topic: storable(topic),
    retain,
    expiresAt: expiresAt === undefined ? undefined : Number(expiresAt),
  };
}
