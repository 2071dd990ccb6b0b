import { SettingsError } from "@fieldlog/runtime";
import ipaddr from "ipaddr.js";

type Address = ReturnType<typeof ipaddr.process>;

/** The endpoint's address is none that webhooks may reach. */
export class AddressRefused extends Error {
  override readonly name = "AddressRefused";
  constructor(address: string, range: string) {
    super(`${address} is not an address that webhooks may reach (${range})`);
  }
}

/**
 * Which addresses webhooks may reach: those of the public internet, and what the operator allows besides. Anybody
 * who may create a webhook could otherwise have requests sent to services that trust the machine's own network.
 */
export class Addresses {
  private readonly allowed: readonly (readonly [Address, number])[];

  /** @param allowed FIELDLOG_WEBHOOK_ALLOW: addresses and CIDR ranges with commas between. Raises SettingsError. */
  constructor(allowed: string) {
    this.allowed = allowed
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "")
      .map(rangeOf);
  }

  /** Raises AddressRefused, also for what is no address. */
  check(text: string): void {
    if (!ipaddr.isValid(text)) throw new AddressRefused(text, "not an address");
    const address = ipaddr.process(text);
    const range = address.range();
    if (range === "unicast") return;
    const isAllowed = this.allowed.some(
      ([network, bits]) => network.kind() === address.kind() && address.match(network, bits),
    );
    if (!isAllowed) throw new AddressRefused(text, range);
  }
}

function rangeOf(text: string): readonly [Address, number] {
  try {
    if (text.includes("/")) return ipaddr.parseCIDR(text);
    const address = ipaddr.process(text);
    return [address, address.kind() === "ipv4" ? 32 : 128];
  } catch {
    throw new SettingsError([`FIELDLOG_WEBHOOK_ALLOW: "${text}" is neither an address nor a CIDR range`]);
  }
}
