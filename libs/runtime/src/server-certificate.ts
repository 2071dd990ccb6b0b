import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext, type Server } from "node:tls";
import { gauge } from "./metrics.js";
import type { Runtime } from "./runtime.js";
import { type Settings, SettingsError } from "./settings.js";

/** What a TLS listener is made with. */
export interface TlsOptions {
  /** PEM; the server's first, then those between it and its authority. */
  readonly cert: string;
  readonly key: string;
  readonly minVersion: "TLSv1.2";
}

export interface ServerCertificateParts extends Pick<Runtime, "logger" | "metrics"> {
  readonly settings: Pick<Settings, "tlsCert" | "tlsKey">;
  /** Milliseconds from one look at the files to the next; default 10,000. */
  readonly everyMs?: number;
}

/**
 * The certificate of a door, of the files FIELDLOG_TLS_CERT and FIELDLOG_TLS_KEY. Listeners that {@link follow} it take a
 * new one from the files within seconds, without a restart; connections that are open keep theirs. Files that do not
 * belong together, or cannot be read, are logged and change nothing.
 */
export class ServerCertificate {
  private current: TlsOptions | undefined;

  constructor(private readonly parts: ServerCertificateParts) {}

  /** Undefined where no certificate is set. Raises SettingsError when it cannot be used. */
  async read(): Promise<TlsOptions | undefined> {
    const { tlsCert, tlsKey } = this.parts.settings;
    if (tlsCert === undefined || tlsKey === undefined) return undefined;
    try {
      this.current = await usable(tlsCert, tlsKey);
    } catch (error) {
      throw new SettingsError([`FIELDLOG_TLS_CERT and FIELDLOG_TLS_KEY: ${(error as Error).message}`]);
    }
    this.observe();
    return this.current;
  }

  /** Gives the server what {@link read} will have found anew, until it closes. */
  follow(server: Server): void {
    let [given, complaint] = [this.current, ""];
    const look = async () => {
      try {
        const found = await this.again();
        complaint = "";
        if (found.cert === given?.cert && found.key === given.key) return;
        server.setSecureContext(found);
        given = found;
        this.parts.logger.info({ validTo: endOf(found) }, "the TLS certificate was replaced");
      } catch (error) {
        const { message } = error as Error;
        if (message !== complaint)
          this.parts.logger.error({ err: error }, "the new TLS certificate is no good");
        complaint = message;
      }
    };
    const timer = setInterval(() => void look(), this.parts.everyMs ?? 10_000).unref();
    server.once("close", () => clearInterval(timer));
  }

  private async again(): Promise<TlsOptions> {
    const { tlsCert = "", tlsKey = "" } = this.parts.settings;
    this.current = await usable(tlsCert, tlsKey);
    return this.current;
  }

  private observe(): void {
    const end = () => (this.current === undefined ? 0 : endOf(this.current).getTime() / 1_000);
    gauge(this.parts.metrics, {
      name: "fieldlog_tls_certificate_not_after_timestamp_seconds",
      help: "When the certificate of the TLS listeners ends, in seconds since 1970.",
      collect() {
        this.set(end());
      },
    });
  }
}

async function usable(certFile: string, keyFile: string): Promise<TlsOptions> {
  const cert = await readFile(certFile, "utf8");
  // One file with both is read once: it may be replaced between two looks.
  const key = keyFile === certFile ? cert : await readFile(keyFile, "utf8");
  const options: TlsOptions = { cert, key, minVersion: "TLSv1.2" };
  // A file that is just being written may be empty, which a context takes: nobody would be let in.
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
    throw new Error("the key is not the certificate's");
  createSecureContext(options);
  return options;
}

function endOf({ cert }: TlsOptions): Date {
  return new Date(new X509Certificate(cert).validTo);
}
