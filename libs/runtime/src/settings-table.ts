import { isIP } from "node:net";
import { limits } from "@fieldlog/contracts";

/** One operator setting. `parse` returns the value, or throws TypeError saying what it must be. */
export interface Setting<T, D extends T | undefined = T | undefined> {
  readonly name: string;
  readonly type: string;
  readonly parse: (text: string) => T;
  readonly fallback: D;
  /** In place of a fixed default, where it depends: told to people. */
  readonly fallbackDoc?: string;
  readonly unit?: string;
  readonly secret?: boolean;
  readonly doc: string;
}

type Extra = { unit?: string; secret?: boolean; fallbackDoc?: string };

/** A setting that always has a value. */
function set<T>(
  name: string,
  [type, parse]: Kind<T>,
  fallback: NoInfer<T>,
  doc: string,
  extra: Extra = {},
): Setting<T, T> {
  return { name, type, parse, fallback, doc, ...extra };
}

/** A setting that may be absent; who cannot do without it calls `need`. */
function optional<T>(
  name: string,
  [type, parse]: Kind<T>,
  doc: string,
  extra: Extra = {},
): Setting<T, undefined> {
  return { name, type, parse, fallback: undefined, doc, ...extra };
}

type Kind<T> = readonly [type: string, parse: (text: string) => T];

function check<T>(type: string, read: (text: string) => T | undefined): Kind<T> {
  return [
    type,
    (text) => {
      const value = read(text);
      if (value === undefined) throw new TypeError(`must be ${type}`);
      return value;
    },
  ];
}

function integer(from: number, to: number): Kind<number> {
  return check(`an integer from ${from} to ${to}`, (text) => {
    const value = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    return value >= from && value <= to ? value : undefined;
  });
}

function oneOf<const T extends string>(...values: T[]): Kind<T> {
  return check(`one of ${values.join(", ")}`, (text) => values.find((value) => value === text));
}

function url(...protocols: string[]): Kind<string> {
  return check(`a URL beginning with ${protocols.map((p) => `${p}://`).join(" or ")}`, (text) =>
    text.split(",").every((part) => {
      const protocol = URL.parse(part)?.protocol.slice(0, -1);
      return protocol !== undefined && protocols.includes(protocol);
    })
      ? text
      : undefined,
  );
}

function secretText(minimum: number): Kind<string> {
  return check(`at least ${minimum} characters without white space`, (text) =>
    text.length >= minimum && !/\s/.test(text) ? text : undefined,
  );
}

/** One, or several with commas between. */
function tokens(minimum: number): Kind<string> {
  return check(
    `at least ${minimum} characters without white space, or several such texts with commas between`,
    (text) =>
      text.split(",").every((token) => token.length >= minimum) && !/\s/.test(text) ? text : undefined,
  );
}

function isNetwork(range: string): boolean {
  const [address = "", bits = "", ...more] = range.split("/");
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return more.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most;
}

const text = check("a text", (value) => value);
const port = check("a port (0 to 65535; 0: a free one)", (value) =>
  /^\d{1,5}$/.test(value) && Number(value) <= 65_535 ? Number(value) : undefined,
);
const address = check("an address such as 127.0.0.1:9101", (value) =>
  /^.+:\d{1,5}$/.test(value) && Number(value.slice(value.lastIndexOf(":") + 1)) <= 65_535 ? value : undefined,
);
/** One, or several with commas between. */
const keys32 = check("32 bytes in base64, or several such texts with commas between", (value) =>
  /^[A-Za-z0-9+/]{43}=(,[A-Za-z0-9+/]{43}=)*$/.test(value) ? value : undefined,
);
const maxBytes = check("a number of bytes above 0, or -1 for no limit", (value) =>
  value === "-1" || /^[1-9]\d{0,14}$/.test(value) ? Number(value) : undefined,
);
const yesNo = check("true or false", (value) =>
  value === "true" || value === "false" ? value === "true" : undefined,
);
const names = check("names of services, with commas between", (value) =>
  /^[a-z]+(-[a-z]+)*(,[a-z]+(-[a-z]+)*)*$/.test(value) ? value.split(",") : undefined,
);
const networks = check("CIDR ranges such as 10.1.0.0/16, with commas between", (value) => {
  const ranges = value.split(",").map((range) => range.trim());
  return ranges.every(isNetwork) ? ranges : undefined;
});
const ratio = check("a number from 0 to 1", (value) =>
  /^(0|1|0?\.\d+|1\.0+)$/.test(value) ? Number(value) : undefined,
);

/**
 * Every operator setting: the one place for name, type, default, unit and meaning.
 * The key in code is the name without its prefix, in camel case.
 */
export const settingsTable = Object.freeze({
  bind: set("FIELDLOG_BIND", text, "127.0.0.1", "Address that devices and people reach the services on."),
  httpPort: set("FIELDLOG_HTTP_PORT", port, 8080, "HTTP: dialects, native API, console."),
  httpsPort: set("FIELDLOG_HTTPS_PORT", port, 8443, "The same over TLS."),
  mqttPort: set("FIELDLOG_MQTT_PORT", port, 1883, "MQTT."),
  mqttsPort: set("FIELDLOG_MQTTS_PORT", port, 8883, "MQTT over TLS."),
  mqttWsPort: set("FIELDLOG_MQTT_WS_PORT", port, 8083, "MQTT over WebSocket."),
  mqttWssPort: set("FIELDLOG_MQTT_WSS_PORT", port, 8084, "MQTT over WebSocket over TLS."),
  wsPort: set("FIELDLOG_WS_PORT", port, 8081, "WebSocket."),
  wssPort: set("FIELDLOG_WSS_PORT", port, 8444, "WebSocket over TLS."),
  services: optional(
    "FIELDLOG_SERVICES",
    names,
    "Which services npm start runs; the others run elsewhere, on the same NATS and PostgreSQL.",
    { fallbackDoc: "all of them" },
  ),
  edgeImpulseLocalPorts: set(
    "FIELDLOG_EDGE_IMPULSE_LOCAL_PORTS",
    yesNo,
    false,
    "Also listens where Edge Impulse's clients look for a server on an IP address: 4800 (REST), 4802 (remote management), 4810 (ingestion).",
  ),
  publicUrl: optional(
    "FIELDLOG_PUBLIC_URL",
    url("http", "https"),
    "Base URL under which clients reach the HTTP port, where that is not the bound address.",
  ),
  publicWsUrl: optional(
    "FIELDLOG_PUBLIC_WS_URL",
    url("ws", "wss"),
    "Base URL under which clients reach the WebSocket port, where that is not the host of FIELDLOG_PUBLIC_URL and the port itself.",
  ),
  publicMqttUrl: optional(
    "FIELDLOG_PUBLIC_MQTT_URL",
    url("mqtt", "mqtts"),
    "Host and port under which clients reach MQTT, such as mqtts://mqtt.example.org:8883, where that is not the host of FIELDLOG_PUBLIC_URL and the port itself.",
  ),
  trustedProxies: set(
    "FIELDLOG_TRUSTED_PROXIES",
    networks,
    [],
    "Proxies in front of the HTTP port, comma-separated CIDR ranges such as 10.1.0.0/16: of whoever asks through them, the address is the last in X-Forwarded-For that is none of theirs. Of all others that header means nothing.",
    { fallbackDoc: "none" },
  ),
  tlsCert: optional("FIELDLOG_TLS_CERT", text, "File of the TLS certificate (PEM); with FIELDLOG_TLS_KEY.", {
    fallbackDoc: "npm start makes one, of an authority of its own; a service alone then has no TLS",
  }),
  tlsKey: optional("FIELDLOG_TLS_KEY", text, "File of the TLS private key (PEM); with FIELDLOG_TLS_CERT.", {
    fallbackDoc: "as FIELDLOG_TLS_CERT",
  }),
  dataDir: set(
    "FIELDLOG_DATA_DIR",
    text,
    ".fieldlog",
    "Folder for everything that is kept on this machine. Relative to the working directory.",
  ),
  cacheDir: optional(
    "FIELDLOG_CACHE_DIR",
    text,
    "Folder for what the start script and the tests obtain once and keep: the NATS server, MQTT clients.",
    { fallbackDoc: "fieldlog in the user's cache folder" },
  ),

  adminKey: optional(
    "FIELDLOG_ADMIN_KEY",
    secretText(8),
    "The first admin API key, in place of a random one.",
    {
      secret: true,
    },
  ),
  internalToken: optional(
    "FIELDLOG_INTERNAL_TOKEN",
    tokens(32),
    "What services present to each other; the same for all services of an installation. Of two, while it is exchanged, the first is presented and both are accepted.",
    { secret: true },
  ),
  installationKey: optional(
    "FIELDLOG_INSTALLATION_KEY",
    keys32,
    "Seals the namespaces' keys. Lost, all sealed secrets are lost. Of two, while it is exchanged, the first seals and what either sealed is opened.",
    { secret: true },
  ),
  signUp: set(
    "FIELDLOG_SIGN_UP",
    oneOf("open", "closed"),
    "open",
    "open: whoever asks becomes a user (tenta's POST /users), and may make networks. closed: who shows an admin key of the installation.",
  ),
  signatureWindowS: set(
    "FIELDLOG_SIGNATURE_WINDOW_S",
    integer(1, 86_400),
    limits.signatureWindowMs / 1000,
    "How far a signed message's date may be from the server's clock.",
    { unit: "s" },
  ),

  natsUrl: optional("FIELDLOG_NATS_URL", url("nats", "tls", "ws", "wss"), "NATS server(s), comma-separated."),
  natsMonitorUrl: optional(
    "FIELDLOG_NATS_MONITOR_URL",
    url("http", "https"),
    "NATS monitoring address, from which the server's flush setting is read.",
  ),
  postgresUrl: optional("FIELDLOG_POSTGRES_URL", url("postgres", "postgresql"), "Postgres database."),
  replicas: set("FIELDLOG_REPLICAS", integer(1, 5), 1, "Copies of each stream that NATS keeps."),
  shards: set(
    "FIELDLOG_SHARDS",
    integer(1, 64),
    1,
    "Streams of signals: SIGNALS, SIGNALS_1, … Each new namespace goes into the one that has fewest; where it is, it stays. The same for all services; never to be lowered.",
  ),
  signalsMaxBytes: set(
    "FIELDLOG_SIGNALS_MAX_BYTES",
    maxBytes,
    -1,
    "Size of SIGNALS, and of each further shard's stream, at which it refuses new signals; -1: no limit.",
    { unit: "bytes" },
  ),
  registryMaxBytes: set(
    "FIELDLOG_REGISTRY_MAX_BYTES",
    maxBytes,
    -1,
    "Size of REGISTRY at which it refuses new decisions; -1: no limit.",
    { unit: "bytes" },
  ),
  commit: set(
    "FIELDLOG_COMMIT",
    oneOf("group", "single"),
    "group",
    "group: signals that wait share a commit. single: one commit per signal, only to compare with.",
  ),

  authGrpc: set("FIELDLOG_AUTH_GRPC", address, "127.0.0.1:9101", "Where auth is called."),
  devicesGrpc: set("FIELDLOG_DEVICES_GRPC", address, "127.0.0.1:9102", "Where devices is called."),
  projectionsGrpc: set(
    "FIELDLOG_PROJECTIONS_GRPC",
    address,
    "127.0.0.1:9103",
    "Where projections is called.",
  ),
  subscriptionsGrpc: set(
    "FIELDLOG_SUBSCRIPTIONS_GRPC",
    address,
    "127.0.0.1:9104",
    "Where subscriptions is called.",
  ),
  livenessGrpc: set("FIELDLOG_LIVENESS_GRPC", address, "127.0.0.1:9105", "Where liveness is called."),
  offersGrpc: set("FIELDLOG_OFFERS_GRPC", address, "127.0.0.1:9106", "Where offers is called."),
  samplingGrpc: set("FIELDLOG_SAMPLING_GRPC", address, "127.0.0.1:9107", "Where sampling is called."),
  streamsGrpc: set("FIELDLOG_STREAMS_GRPC", address, "127.0.0.1:9108", "Where streams is called."),
  grpcBind: optional("FIELDLOG_GRPC_BIND", text, "Address that the internal services listen on.", {
    fallbackDoc: "FIELDLOG_BIND",
  }),
  opsBind: optional("FIELDLOG_OPS_BIND", text, "Address that the operator's port is reached on.", {
    fallbackDoc: "FIELDLOG_BIND; npm start 127.0.0.1",
  }),
  opsPort: optional("FIELDLOG_OPS_PORT", port, "A service's /healthz, /readyz and /metrics.", {
    fallbackDoc:
      "auth 9201, devices 9202, projections 9203, edge-mqtt 9204, subscriptions 9205, edge-websocket 9206, liveness 9207, offers 9208, sampling 9209, streams 9210, edge-http 9211; npm start 9200, or a free one",
  }),
  s3Endpoint: optional(
    "FIELDLOG_S3_ENDPOINT",
    url("http", "https"),
    "S3-compatible object storage for uploads; with FIELDLOG_S3_BUCKET, FIELDLOG_S3_ACCESS_KEY and FIELDLOG_S3_SECRET_KEY.",
    { fallbackDoc: "uploads are kept in the NATS object store" },
  ),
  s3Bucket: optional("FIELDLOG_S3_BUCKET", text, "The bucket of that storage; it must exist."),
  s3Region: set("FIELDLOG_S3_REGION", text, "us-east-1", "Its region."),
  s3AccessKey: optional("FIELDLOG_S3_ACCESS_KEY", text, "Access key of that storage."),
  s3SecretKey: optional("FIELDLOG_S3_SECRET_KEY", text, "Its secret key.", { secret: true }),
  s3Direct: set(
    "FIELDLOG_S3_DIRECT",
    yesNo,
    false,
    "Whether downloads are sent to that storage itself, by URLs that are good for minutes; what is uploaded then is not encrypted with its device's key.",
  ),
  objectsMaxBytes: set(
    "FIELDLOG_OBJECTS_MAX_BYTES",
    maxBytes,
    -1,
    "Size of the NATS object store at which it refuses new uploads; -1: no limit.",
    { unit: "bytes" },
  ),
  webhookAllow: set(
    "FIELDLOG_WEBHOOK_ALLOW",
    text,
    "",
    "Addresses, comma-separated CIDR ranges such as 10.1.0.0/16, that webhooks may reach although they are private.",
  ),
  credPingTimeoutS: set(
    "FIELDLOG_CRED_PING_TIMEOUT_S",
    integer(1, 86_400),
    240,
    "How long a cred client counts as active after it was last heard.",
    { unit: "s" },
  ),
  credScheduler: set(
    "FIELDLOG_CRED_SCHEDULER",
    oneOf("true", "false"),
    "false",
    "Whether cred clients are given a slot (1 to 30) in which to ask.",
  ),
  credSchedulerPeriodS: set(
    "FIELDLOG_CRED_SCHEDULER_PERIOD_S",
    integer(1, 86_400),
    30,
    "The period that these slots divide, as cred clients are told it.",
    { unit: "s" },
  ),
  environment: set(
    "FIELDLOG_ENVIRONMENT",
    text,
    "unknown",
    "What the installation is for, such as production or test; /status tells it.",
  ),
  commitSha: set("FIELDLOG_COMMIT_SHA", text, "unknown", "Commit that was built; /status tells it."),
  branchName: set("FIELDLOG_BRANCH_NAME", text, "unknown", "Branch that was built; /status tells it."),
  logLevel: set(
    "FIELDLOG_LOG_LEVEL",
    oneOf("trace", "debug", "info", "warn", "error", "fatal", "silent"),
    "info",
    "The least severe log entries that are written.",
  ),
  otlpEndpoint: optional(
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    url("http", "https"),
    "OpenTelemetry collector (OTLP over HTTP) that gets traces; absent: nothing is traced.",
  ),
  traceRatio: set(
    "FIELDLOG_TRACE_RATIO",
    ratio,
    1,
    "Share of the requests that are traced, of those that do not say so themselves.",
  ),
});

/** The ops port of each service, where FIELDLOG_OPS_PORT does not say. */
export const opsPorts: Readonly<Record<string, number>> = Object.freeze({
  auth: 9201,
  devices: 9202,
  projections: 9203,
  "edge-mqtt": 9204,
  subscriptions: 9205,
  "edge-websocket": 9206,
  liveness: 9207,
  offers: 9208,
  sampling: 9209,
  streams: 9210,
  "edge-http": 9211,
});

/** Where Edge Impulse's clients look for a server that has no name; opened by FIELDLOG_EDGE_IMPULSE_LOCAL_PORTS. */
export const edgeImpulsePorts = Object.freeze({ rest: 4800, remoteManagement: 4802, ingestion: 4810 });
