export interface NatsConfig {
  port: number;
  monitorPort: number;
  storeDir: string;
  user: string;
  password: string;
  syncAlways: boolean;
}

/** Largest message that the server takes: a commit of 512 KiB with its headers fits with room to spare. */
const MAX_PAYLOAD_BYTES = 1024 * 1024;

/** The configuration file of a server for this machine only. */
export function natsConfig(c: NatsConfig): string {
  return `# Written by Fieldlog at each start; changes here are lost.
server_name: fieldlog
listen: "127.0.0.1:${c.port}"
http: "127.0.0.1:${c.monitorPort}"
max_payload: ${MAX_PAYLOAD_BYTES}

jetstream {
  store_dir: ${JSON.stringify(c.storeDir)}
${c.syncAlways ? "  # Acknowledged means kept: each write is flushed to the disk before it is acknowledged.\n  sync_interval: always\n" : ""}}

authorization {
  users: [{ user: ${JSON.stringify(c.user)}, password: ${JSON.stringify(c.password)} }]
}
`;
}
