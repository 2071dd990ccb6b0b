import { join, resolve } from "node:path";
import type { Settings } from "@fieldlog/runtime";
import { localCertificate, localHosts } from "@fieldlog/tls";

export interface Certificate {
  /** Files, PEM. */
  readonly cert: string;
  readonly key: string;
  /** The certificate of our own authority; undefined with a certificate that was given. */
  readonly ca: string | undefined;
}

/** The certificate that was given, else one of an authority under the data directory. */
export async function certificate(settings: Settings, dataDir: string): Promise<Certificate> {
  const { tlsCert, tlsKey, bind, publicUrl } = settings;
  if (tlsCert !== undefined && tlsKey !== undefined) {
    return { cert: resolve(tlsCert), key: resolve(tlsKey), ca: undefined };
  }
  const hosts = localHosts({ bind, publicUrl });
  const { ca, server } = await localCertificate({ dir: join(dataDir, "tls"), hosts });
  return { cert: server, key: server, ca };
}
