import { type ObtainPackageOptions, obtainPackage } from "../python/package.js";

/** The release of Eclipse Paho for Python: the one that has both callback interfaces. */
const PAHO = {
  name: "paho-mqtt",
  version: "2.1.0",
  check: "import paho.mqtt, paho.mqtt.client; print(paho.mqtt.__version__)",
};

/** A Python that has paho-mqtt. */
export interface Paho {
  readonly python: string;
  /** Of paho-mqtt. */
  readonly version: string;
  /** To be added to the environment of `python`. */
  readonly env: Readonly<Record<string, string>>;
}

/** Installed into the cache by pip where it has not been before. Undefined where that cannot be. */
export async function obtainPaho(o: ObtainPackageOptions): Promise<Paho | undefined> {
  const obtained = await obtainPackage(PAHO, o);
  return obtained && { python: obtained.python, version: obtained.said, env: obtained.env };
}
