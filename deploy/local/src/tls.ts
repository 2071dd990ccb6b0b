import { join, resolve } from "node:path";
import type { Settings } from "@fieldlog/runtime";
import { localCertificate, localHosts } from "@fieldlog/tls";

const DAY_MS = 86_400_000;

export interface Certificate {
  /** Files, PEM. */
  readonly cert: string;
  readonly key: string;
  /** The certificate of our own authority; undefined with a certificate that was given. */
  readonly ca: string | undefined;
  /** Renews it no more. */
  stop(): void;
}

/**
 * The certificate that was given, else one of an authority under the data directory, which is looked at once a day and
 * renewed before it ends: the doors take it from its file.
 */
export async function certificate(settings: Settings, dataDir: string): Promise<Certificate> {
  const { tlsCert, tlsKey, bind, publicUrl } = settings;
  if (tlsCert !== undefined && tlsKey !== undefined) {
    return { cert: resolve(tlsCert), key: resolve(tlsKey), ca: undefined, stop: () => undefined };
  }
  const hosts = localHosts({ bind, publicUrl });
  const made = () => localCertificate({ dir: join(dataDir, "tls"), hosts });
  const { ca, server } = await made();
  // A full disk is told of by others; the next day it is tried again.
  const renewing = setInterval(() => void made().catch(() => undefined), DAY_MS).unref();
  return { cert: server, key: server, ca, stop: () => clearInterval(renewing) };
}
