import { isIP } from "node:net";
import { SettingsError } from "@fieldlog/runtime";
import ipaddr from "ipaddr.js";

type Address = ReturnType<typeof ipaddr.process>;
type Network = readonly [Address, number];

/** Globally routed, and yet only reachable within: Azure's metadata and agent address. */
const INNER: readonly string[] = ["168.63.129.16"];
/** All global unicast IPv6 addresses lie in here; what lies outside is special, or not assigned. RFC 4291, 2.4. */
const GLOBAL_V6 = ipaddr.parseCIDR("2000::/3");

/** The endpoint's address is none that webhooks may reach. */
export class AddressRefused extends Error {
  override readonly name = "AddressRefused";
  constructor(what: string, range: string) {
    super(`${what} is not an address that webhooks may reach (${range})`);
  }
}

/**
 * Which addresses webhooks may reach: those of the public internet, and what the operator allows besides. Anybody
 * who may create a webhook could otherwise have requests sent to services that trust the machine's own network.
 */
export class Addresses {
  private readonly allowed: readonly Network[];

  /** @param allowed FIELDLOG_WEBHOOK_ALLOW: addresses and CIDR ranges with commas between. Raises SettingsError. */
  constructor(allowed: string) {
    this.allowed = allowed
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "")
      .map(networkOf);
  }

  /** Raises AddressRefused, also for what is no address. */
  check(text: string): void {
    const refusal = this.refusal(text);
    if (refusal !== undefined) throw new AddressRefused(text, refusal);
  }

  /** Of all addresses of a name. The message does not say which they are: they may be of a network within. */
  checkAll(host: string, addresses: readonly string[]): void {
    for (const address of addresses) {
      const refusal = this.refusal(address);
      if (refusal !== undefined) throw new AddressRefused(`what ${host} resolves to`, refusal);
    }
  }

  /** Why the address is refused; undefined: it is not. */
  private refusal(text: string): string | undefined {
    if (isIP(text) === 0) return "not an address";
    // An IPv4 address in the clothes of IPv6 is what it is without them.
    const address = ipaddr.process(text);
    const range = rangeOf(address);
    if (range === "unicast") return undefined;
    const isAllowed = this.allowed.some(
      ([network, bits]) => network.kind() === address.kind() && address.match(network, bits),
    );
    return isAllowed ? undefined : range;
  }
}

function rangeOf(address: Address): string {
  const range = address.range();
  if (range !== "unicast") return range;
  if (INNER.includes(address.toString())) return "metadata";
  return address.kind() === "ipv6" && !address.match(GLOBAL_V6) ? "reserved" : range;
}

function networkOf(text: string): Network {
  const [address = "", bits, ...rest] = text.split("/");
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] as number;
  const length = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.POSITIVE_INFINITY;
  if (most < 0 || length > most || rest.length > 0) {
    throw new SettingsError([`FIELDLOG_WEBHOOK_ALLOW: "${text}" is neither an address nor a CIDR range`]);
  }
  if (bits !== undefined) return [ipaddr.parse(address), length];
  const alone = ipaddr.process(address);
  return [alone, alone.kind() === "ipv4" ? 32 : length];
}
