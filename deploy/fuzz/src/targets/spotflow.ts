import { isDeepStrictEqual } from "node:util";
import { limits } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";
import { decodeBag, parseConnection } from "@fieldlog/device-client/decoders";
import * as devices from "@fieldlog/devices/decoders";
import { connectionToken } from "@fieldlog/edge-http/decoders";
import { hubId, readHubLogin, readHubRequest, readTelemetry } from "@fieldlog/edge-mqtt/decoders";
import { faultOf, fill } from "@fieldlog/streams/decoders";
import { decoding, headerOf, jsons, NotTheSame, partsOf, type Target, textOf, texts } from "../target.js";

const BAG = "stream-group-name=a&stream-name=b&batch-id=c%2Fd&message-id=1&chunk-id=2&content-encoding=br";

/** In a line the property bag, then the payload. */
function telemetry(input: Uint8Array): void {
  const [bag, payload] = partsOf(input, 2) as [Buffer, Buffer];
  const { message, identity } = readTelemetry(bag.toString(), payload);
  const most = limits.streamNameLength + 1;
  const long = Object.values(message).find((value) => typeof value === "string" && value.length > most);
  if (long !== undefined || identity.length > 100) throw new Error("a text is longer than what is kept");
  decodeBag(bag.toString());
}

/** Properties and a patch of them, as JSON in two lines. */
function properties(input: Uint8Array): void {
  const [before, patch] = partsOf(input, 2).map((part) => part.toString()) as [string, string];
  for (const kind of ["desired", "reported", "tags"] as const) {
    decoding(() => patched(before, patch, kind), { raises: [InvalidField] })(input);
  }
}

function patched(before: string, patch: string, kind: "desired" | "reported" | "tags"): void {
  const one = devices.merged({}, devices.propertiesIn(before, kind, "before"));
  const other = devices.merged(one, devices.propertiesIn(patch, kind, "patch"));
  const difference = devices.difference(one, other);
  const again = difference === undefined ? one : devices.merged(one, difference);
  if (!isDeepStrictEqual(again, other)) throw new NotTheSame(other, again);
}

const isNothing = (value: unknown) => value === undefined;

/** What the dialect of provisioned devices takes: topics, property bags, log-ins, properties, patterns of names. */
export const spotflowTargets: readonly Target[] = [
  {
    ...{ name: "spotflow/telemetry", shape: "bytes", mostBytes: limits.mqttPacketBytes },
    seeds: texts(
      `${BAG}\npayload`,
      'has-externalized-payload=true&message-id=1&batch-id=b\n{"link":"a-b.c"}',
      "site-id=x&batch-slice-id=y&complete-batch=true&ignore-payload=true&$.mid=1&other=%zz\n",
    ),
    words: [...BAG.split("&"), "complete-message=true", "%00", "%ed%a0%80", '{"link":"a"}'],
    run: decoding(telemetry),
  },
  {
    ...{ name: "spotflow/requests", shape: "text", mostBytes: limits.mqttTopicBytes },
    seeds: texts(
      "$iothub/twin/GET/?$rid=1",
      "$iothub/twin/PATCH/properties/reported/?$rid=1&$version=3",
      "$iothub/methods/res/200/?$rid=1",
    ),
    words: ["$rid=", "$version=", "&", "/?"],
    run: decoding((input) => readHubRequest(textOf(input)), { refuses: isNothing }),
  },
  {
    ...{ name: "spotflow/login", shape: "text", mostBytes: 64 * 1024 },
    seeds: texts("host/w:d/?api-version=2021-04-12\nw:d\nSharedAccessSignature sr=host&sig=abc&se=1"),
    words: ["SharedAccessSignature ", "sig=", "&", "/?api-version=", "HostName=", "DeviceId="],
    run: decoding((input) => {
      const [user, client, password] = partsOf(input, 3) as [Buffer, Buffer, Buffer];
      const login = readHubLogin(user.toString(), password, client.toString());
      if (typeof login === "object" && hubId(login.workspace, login.device) !== client.toString()) {
        throw new Error("a device is let in under another's client id");
      }
      connectionToken(headerOf(password));
    }),
  },
  {
    ...{ name: "spotflow/connection-string", shape: "text", mostBytes: 64 * 1024 },
    seeds: texts("HostName=h;DeviceId=w:d;SharedAccessSignature=SharedAccessSignature sr=h&sig=a=&se=1"),
    words: [";", "=", "DeviceId=", "SharedAccessSignature="],
    run: decoding((input) => parseConnection(textOf(input), "host", 0, undefined), { refuses: isNothing }),
  },
  {
    ...{ name: "spotflow/properties", shape: "bytes", mostBytes: 4 * limits.propertiesBytes },
    seeds: texts(
      '{"a":{"b":[1,"x",true]},"c":1.50}\n{"a":{"b":null,"d":{}},"c":2}',
      "{}\n{}",
      '{"a":1}\n{"a":{"b":null}}',
    ),
    words: ['"a":', "null", "{}", '"__proto__":', '"$version":1', "1e400", "{", "}"],
    run: decoding(properties),
  },
  {
    ...{ name: "spotflow/configuration", shape: "json", mostBytes: 4 * limits.configurationBytes },
    seeds: jsons({ a: { b: [1, 'x"\\', true] }, c: 1.5 }, {}),
    run: decoding((input) => devices.jsonObject(textOf(input), "value"), {
      raises: [InvalidField],
      encode: (json) => Buffer.from(json),
    }),
  },
  {
    ...{ name: "spotflow/conditions", shape: "json", mostBytes: limits.bodyBytes },
    seeds: jsons(
      [
        { field: "battery.level", op: "<=", value: 5 },
        { field: "a", op: "=", value: 'x"' },
      ],
      [],
    ),
    run: decoding((input) => devices.jsonPathOf(devices.conditionsIn(textOf(input), "conditions") ?? []), {
      raises: [InvalidField],
    }),
  },
  {
    ...{ name: "spotflow/patterns", shape: "text", mostBytes: limits.textLength },
    seeds: texts("{dateTime:yyyy-MM-dd}_{sequenceId}", "a{dateTime:HHmmssfff}b"),
    words: ["{sequenceId}", "{dateTime:", "}", "yyyy", "fff"],
    run: decoding((input) => {
      const pattern = textOf(input);
      const filled = fill(pattern, { at: 0, sequence: 1 });
      if (faultOf(pattern) === undefined && /[{}]/.test(filled)) throw new Error(`filled: ${filled}`);
    }),
  },
];
