export interface NatsConfig {
  port: number;
  monitorPort: number;
  storeDir: string;
  user: string;
  password: string;
  syncAlways: boolean;
  /** Default "fieldlog"; unique in its cluster. */
  serverName?: string | undefined;
  /** Absent: it stands alone. */
  cluster?: ClusterMember | undefined;
}

/** What a server knows of the cluster that it belongs to. */
export interface ClusterMember {
  readonly name: string;
  /** Where it takes the others' connections, on 127.0.0.1. */
  readonly port: number;
  /** Those ports of all, its own too. */
  readonly members: readonly number[];
}

/** Largest message that the server takes: a commit of 512 KiB with its headers fits with room to spare. */
const MAX_PAYLOAD_BYTES = 1024 * 1024;

/** The configuration file of a server for this machine only. */
export function natsConfig(c: NatsConfig): string {
  return `# Written by Fieldlog at each start; changes here are lost.
server_name: ${c.serverName ?? "fieldlog"}
listen: "127.0.0.1:${c.port}"
http: "127.0.0.1:${c.monitorPort}"
max_payload: ${MAX_PAYLOAD_BYTES}

jetstream {
  store_dir: ${JSON.stringify(c.storeDir)}
${c.syncAlways ? "  # Acknowledged means kept: each write is flushed to the disk before it is acknowledged.\n  sync_interval: always\n" : ""}}

authorization {
  users: [{ user: ${JSON.stringify(c.user)}, password: ${JSON.stringify(c.password)} }]
}
${c.cluster ? clusterPart(c.cluster, c) : ""}`;
}

function clusterPart({ name, port, members }: ClusterMember, { user, password }: NatsConfig): string {
  const routes = members.map((member) => JSON.stringify(`nats://${user}:${password}@127.0.0.1:${member}`));
  return `
cluster {
  name: ${name}
  listen: "127.0.0.1:${port}"
  authorization { user: ${JSON.stringify(user)}, password: ${JSON.stringify(password)} }
  routes: [${routes.join(", ")}]
  # Clients stay with the addresses that they were given, which may lead through something.
  no_advertise: true
}
`;
}
