import type { NatsConnection } from "@nats-io/transport-node";
import { NatsObjects } from "./nats-objects.js";
import type { Objects } from "./objects.js";
import { S3BesideNats } from "./s3-beside-nats.js";
import { S3Objects } from "./s3-objects.js";

/** What an operator says of the storage of large data; the names are those of the settings. */
export interface ObjectSettings {
  readonly replicas: number;
  readonly objectsMaxBytes: number;
  /** Where it is absent, objects are kept in NATS; those that were put there before are read there still. */
  readonly s3Endpoint?: string | undefined;
  readonly s3Bucket?: string | undefined;
  readonly s3Region: string;
  readonly s3AccessKey?: string | undefined;
  readonly s3SecretKey?: string | undefined;
  readonly s3Direct: boolean;
}

/** Opens the storage that the settings name; asks nobody. Raises TypeError where they are not complete. */
export function openObjects(connection: NatsConnection, settings: ObjectSettings): Objects {
  const { s3Endpoint: endpoint, s3Bucket: bucket, s3Region: region } = settings;
  const { s3AccessKey: accessKey, s3SecretKey: secretKey, s3Direct: direct } = settings;
  const { replicas, objectsMaxBytes: maxBytes } = settings;
  const nats = new NatsObjects(connection, { replicas, maxBytes });
  if (endpoint === undefined) return nats;
  if (!bucket || !accessKey || !secretKey)
    throw new TypeError("S3 needs a bucket, an access key and a secret key");
  return new S3BesideNats(new S3Objects({ endpoint, bucket, region, accessKey, secretKey, direct }), nats);
}
