import { settingsTable } from "@fieldlog/runtime";

/** The text of --help: what the start does, and the settings with their defaults. */
export function usage(): string {
  const settings = Object.values(settingsTable).map(({ name, fallback, fallbackDoc, unit, doc }) => {
    const value = fallbackDoc ?? (fallback === undefined ? "not set" : String(fallback));
    return `  ${name}\n      ${doc} Default: ${value}${unit ? ` ${unit}` : ""}`;
  });
  return `Fieldlog on this machine: NATS, PostgreSQL and all services, started and stopped together.

  npm start                        start; Ctrl-C stops cleanly, a second Ctrl-C at once
  npm start -- --demo              with two simulated networks: seismic stations that speak HTTP, air sensors that speak MQTT
  npm start -- --credrc [PATH]     with host, port, scheduler and ping time-out of a credrc of cred's own server
  npm start -- --processes         each service as a process of its own, on a cluster of three NATS servers
  npm start -- --processes --replicas projections=2,edge-http=2
                                   more than one of some (or --replicas 2: of each), with ports of their own
  npm start -- --processes --nats 1
                                   the same on the log of one NATS server, which is the log of npm start
  npm start -- --restore FOLDER    puts a backup (fieldlog backup) into an empty data directory first
  FIELDLOG_HTTP_PORT=8090 npm start
                                   with another setting
  npm test                         every test, with real servers
  npm run bench -- ingest          how fast it is on this machine; --help names the others

Everything is kept in the data directory (.fieldlog): remove it to begin anew.
  secrets/admin-key                the key for the API and the command line, made at the first start
  logs/fieldlog.log                what the services log, as JSON lines; with --processes a file for each process
  tls/ca.pem                       the authority that clients of HTTPS and MQTT over TLS are to trust
  nats, postgres                   the event log and the tables that are built from it
  nats-cluster                     the event log, where three NATS servers keep it

Settings are environment variables. A name that is unknown or a value that makes no sense stops the start.

${settings.join("\n")}
`;
}
