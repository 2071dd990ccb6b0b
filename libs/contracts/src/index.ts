export { deviceBoundTo, deviceBoundTopic } from "./device-bound.js";
export * as auth from "./gen/fieldlog/auth/v1/auth_pb.js";
export * as provisioning from "./gen/fieldlog/auth/v1/provisioning_pb.js";
export * as devices from "./gen/fieldlog/devices/v1/devices_pb.js";
export * as properties from "./gen/fieldlog/devices/v1/properties_pb.js";
export * as tunnels from "./gen/fieldlog/devices/v1/tunnels_pb.js";
export * as liveness from "./gen/fieldlog/liveness/v1/liveness_pb.js";
export * as offers from "./gen/fieldlog/offers/v1/offers_pb.js";
export * as projections from "./gen/fieldlog/projections/v1/projections_pb.js";
export * as registry from "./gen/fieldlog/registry/v1/registry_pb.js";
export * as remote from "./gen/fieldlog/remote/v1/remote_pb.js";
export * as sampling from "./gen/fieldlog/sampling/v1/sampling_pb.js";
export * as sealing from "./gen/fieldlog/sealing/v1/sealing_pb.js";
export * as signals from "./gen/fieldlog/signals/v1/signals_pb.js";
export * as streams from "./gen/fieldlog/streams/v1/streams_pb.js";
export * as subscriptions from "./gen/fieldlog/subscriptions/v1/subscriptions_pb.js";
export * as saf from "./gen/saf/saf_pb.js";
export { isId } from "./id.js";
export { limits } from "./limits.js";
export { isMobile } from "./mobility.js";
export { endOf, indexOf, type Position, positionOf, sequenceOf } from "./position.js";
export { idInShard, MOST_SHARDS, shardOf, unservedShard } from "./shard.js";
export {
  type AggregateId,
  type AggregateKind,
  ALL_REGISTRY,
  aggregateOf,
  CLEARED_KINDS,
  CLEARING,
  DECISIONS_TOLD,
  DEVICE_KEYS,
  END,
  ERASED_KINDS,
  emptySignals,
  INSTALLATION,
  isSignalsStream,
  MQTT_BEATS,
  MQTT_SESSIONS,
  mqttEdgeSubject,
  namespaceOf,
  namespaceOfSignals,
  objectsBucket,
  REGISTRY,
  registryOfKind,
  registryOfNamespace,
  registrySubject,
  remoteDeviceSubject,
  remoteFramesSubject,
  SAMPLE_KEYS,
  SIGNALS,
  type SignalsStream,
  STREAM_KEYS,
  type StreamName,
  SUBSCRIPTION_CURSORS,
  shardOfStream,
  signalsOfShard,
  signalsStream,
  signalsSubject,
  streamOfShard,
  type TunnelEnd,
  token,
  tunnelJoinSubject,
  tunnelSubject,
  untoken,
  WEBHOOK_REPLICAS,
  WRONG_CODES,
} from "./subjects.js";
