import { Link } from "../proxy/link.js";

/** Whom each service calls by gRPC; the doors call all. */
const CALLED: Readonly<Record<string, readonly string[]>> = {
  auth: ["devices"],
  devices: ["auth"],
  offers: ["auth"],
  sampling: ["auth", "devices"],
  subscriptions: ["auth"],
};
const ADDRESS = /^FIELDLOG_([A-Z]+)_GRPC$/;

/**
 * The gRPC addresses of what a process calls, each by way of a link: `<process> to services`, whose ways suffer together.
 * Where it takes calls itself stays as it is.
 */
export async function callsThroughLinks(
  links: Map<string, Link>,
  process: string,
  settings: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const service = process.replace(/-\d+$/, "");
  const calls = Object.entries(settings).flatMap(([name, address]) => {
    const called = ADDRESS.exec(name)?.[1]?.toLowerCase();
    const isCalled =
      called !== undefined && called !== service && (CALLED[service]?.includes(called) ?? true);
    return isCalled && (CALLED[service] !== undefined || service.startsWith("edge-"))
      ? [{ name, ports: portsIn(address) }]
      : [];
  });
  if (calls.length === 0) return {};
  const link = await Link.to(
    `${process} to services`,
    calls.flatMap(({ ports }) => ports.map((port) => () => port)),
  );
  links.set(link.name, link);
  const through = [...link.ports];
  return Object.fromEntries(
    calls.map(({ name, ports }) => [name, addressOf(through.splice(0, ports.length))]),
  );
}

/** Of `127.0.0.1:9101`, or of a list as gRPC reads it: `ipv4:127.0.0.1:9101,127.0.0.1:9102`. */
const portsIn = (address: string): number[] =>
  address.split(",").map((one) => Number(one.slice(one.lastIndexOf(":") + 1)));

const addressOf = (ports: readonly number[]): string => {
  const all = ports.map((port) => `127.0.0.1:${port}`).join(",");
  return ports.length > 1 ? `ipv4:${all}` : all;
};
