import { type ObtainPackageOptions, obtainPackage, type WithPackage } from "../python/package.js";

/** The vendor's own device client, its last release. */
const SPOTFLOW_DEVICE = {
  name: "spotflow-device",
  version: "2.1.1",
  check: "from spotflow_device import DeviceClient",
};

/** A Python that has spotflow-device, which is installed into the cache by pip. Undefined where that cannot be. */
export function obtainSpotflowDevice(o: ObtainPackageOptions): Promise<WithPackage | undefined> {
  return obtainPackage(SPOTFLOW_DEVICE, o);
}
