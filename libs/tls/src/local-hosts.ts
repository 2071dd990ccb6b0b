import { hostname, networkInterfaces } from "node:os";

/**
 * The names and addresses by which this machine's services may be reached: the loopback's, the machine's name,
 * the address that they are bound to (for all addresses, 0.0.0.0 or ::, each of the machine's), and the host
 * of the public URL. Lower case, each once.
 */
export function localHosts(o: { bind?: string | undefined; publicUrl?: string | undefined }): string[] {
  const bound = o.bind === "0.0.0.0" || o.bind === "::" ? machineAddresses() : [o.bind ?? ""];
  const published = o.publicUrl ? (URL.parse(o.publicUrl)?.hostname ?? "") : "";
  const hosts = ["localhost", "127.0.0.1", "::1", hostname(), ...bound, published];
  return [...new Set(hosts.map(bare).filter((host) => /^[\x21-\x7e]+$/.test(host)))];
}

/** An IPv6 address stands in brackets in URLs, and may name an interface behind a percent sign. */
function bare(host: string): string {
  return host
    .replace(/^\[|\]$/g, "")
    .replace(/%.*$/, "")
    .toLowerCase();
}

/** Those that another machine may use: link-local ones change with the interface. */
function machineAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith("fe80:"))
    .map(({ address }) => address);
}
