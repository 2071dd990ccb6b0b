import { limits } from "@fieldlog/contracts";

type Schema = Readonly<Record<string, unknown>>;

const text = { type: "string" };
const position = { type: "integer", minimum: 0, description: "Place in the log, below 2^53" };
const ref = { type: ["string", "number"], description: "As the client gave it" };
const credit = { type: "integer", minimum: 0, maximum: limits.subscriberCredit };
const login = {
  key: { ...text, description: "API key, where the request had no header Authorization: Bearer" },
  namespace: { ...text, description: "Id or name; not needed with a key that is good for one" },
};

function message(type: string, summary: string, properties: Schema, required: readonly string[] = []) {
  return {
    summary,
    payload: {
      type: "object",
      properties: { type: { const: type }, ...properties },
      required: ["type", ...required],
    },
  };
}

const fromClient = {
  subscribe: message("subscribe", "What is subscribed to; once", {
    ...login,
    filter: { type: "object", description: "Which events; absent: all" },
    filters: { type: "array", maxItems: limits.filtersPerSubscription, description: "Any of them may hold" },
    subscription: { ...text, description: "A durable subscription's id, instead of filters" },
    from: { description: 'Where to begin: "now" (the default), "beginning", or the position after which' },
    credit: {
      ...credit,
      description: "Events that may be sent until there is more; absent: what the socket takes",
    },
  }),
  ack: message("ack", "Everything up to the position was received", { position }, ["position"]),
  credit: message("credit", "So many more events may be sent", { credit }, ["credit"]),
  publish: message(
    "publish",
    "Publishes an event: the short form, or a CloudEvent",
    { ...login, ref, event: { type: "object" } },
    ["event"],
  ),
  ping: message("ping", "Is anybody there?", {}),
};

const fromServer = {
  subscribed: message(
    "subscribed",
    "Events come that lie behind the position",
    { position, subscription: text },
    ["position"],
  ),
  event: message("event", "An event, as a CloudEvents 1.0 object", { event: { type: "object" } }, ["event"]),
  position: message("position", "What lies before it was looked through", { position }, ["position"]),
  published: message("published", "The event is on disk", { ref, position }, ["position"]),
  error: message(
    "error",
    "Refused; with a close behind it unless the connection goes on",
    { ref, status: { type: "integer", description: "As HTTP has them" }, detail: text },
    ["status", "detail"],
  ),
  pong: message("pong", "Yes", {}),
};

/** Of the pictures of a device's camera; the client says nothing. */
const pictures = {
  address: "/v1/snapshots",
  description: "With ?token= and &resolution= as POST …/devices/{device}/snapshots of the HTTP API gives it",
  messages: {
    picture: { summary: "A JPEG, as a binary frame; the newest", contentType: "image/jpeg", payload: {} },
  },
};

const refs = (messages: object) =>
  Object.keys(messages).map((name) => ({ $ref: `#/channels/subscribe/messages/${name}` }));

/** What goes over the socket, for people and generators (AsyncAPI 3.0). */
export const asyncapi = {
  asyncapi: "3.0.0",
  info: {
    title: "Fieldlog over WebSocket",
    version: "1",
    description:
      "Subprotocol fieldlog.json: text frames of JSON. Subprotocol fieldlog.cbor: binary frames of CBOR with the same content.",
  },
  channels: { subscribe: { address: "/v1/subscribe", messages: { ...fromClient, ...fromServer } }, pictures },
  operations: {
    receive: {
      action: "receive",
      channel: { $ref: "#/channels/subscribe" },
      summary: "What clients say",
      messages: refs(fromClient),
    },
    send: {
      action: "send",
      channel: { $ref: "#/channels/subscribe" },
      summary: "What the server says",
      messages: refs(fromServer),
    },
    show: {
      action: "send",
      channel: { $ref: "#/channels/pictures" },
      summary: "What a device's camera sees, as long as somebody is connected",
      messages: [{ $ref: "#/channels/pictures/messages/picture" }],
    },
  },
} as const;
