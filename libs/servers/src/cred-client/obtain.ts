import { type ObtainPackageOptions, obtainPackage, type WithPackage } from "../python/package.js";

/** The client library of cred's own author, its last release. */
const CRED_CLIENT = {
  name: "cred-client",
  version: "0.2.6",
  source: true,
  check: "from cred.client import ClientBase",
};

/** A Python that has cred-client, which is installed into the cache by pip. Undefined where that cannot be. */
export function obtainCredClient(o: ObtainPackageOptions): Promise<WithPackage | undefined> {
  return obtainPackage(CRED_CLIENT, o);
}
