/**
 * Topic of the messages to a provisioned device (spotflow reference B4), each with its properties in one more level.
 *
 * @param namespace id
 */
export function deviceBoundTopic(namespace: string, device: string): string {
  return `devices/${namespace}:${device}/messages/devicebound`;
}

const DEVICE_BOUND = /^devices\/[^/:]*:([^/]+)\/messages\/devicebound(?:\/|$)/;

/** The device that messages on the topic are for; undefined: they are for none alone. */
export function deviceBoundTo(topic: string): string | undefined {
  return DEVICE_BOUND.exec(topic)?.[1];
}
