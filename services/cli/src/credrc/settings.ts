import type { Credrc } from "./read.js";

/** What a configuration file of cred's amounts to here: settings by their names. Its database and SSL do not count. */
export function credrcSettings({
  host,
  port,
  scheduler,
  schedulerPeriod,
  pingtimeout,
}: Credrc): Readonly<Record<string, string>> {
  return {
    FIELDLOG_BIND: host === "*" ? "0.0.0.0" : host,
    FIELDLOG_HTTP_PORT: String(port),
    FIELDLOG_CRED_SCHEDULER: String(scheduler),
    FIELDLOG_CRED_SCHEDULER_PERIOD_S: String(schedulerPeriod),
    FIELDLOG_CRED_PING_TIMEOUT_S: String(pingtimeout),
  };
}

/** Where the server that a configuration file is for is reached from its own machine. */
export function credrcUrl({ host, port }: Credrc): string {
  const everywhere = host === "*" || host === "0.0.0.0" || host === "::";
  return `http://${everywhere ? "127.0.0.1" : host}:${port}`;
}
