export interface NatsConfig {
  port: number;
  monitorPort: number;
  storeDir: string;
  /** Bytes that its streams may take up. Without it NATS takes three quarters of what is free besides its own store. */
  maxFileStore: number;
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
  /** Ports on 127.0.0.1 by which it reaches the others. */
  readonly routes: readonly number[];
  /** Those ports lead through something: no other way is found, as the servers would by telling of each other. */
  readonly isRouted: boolean;
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
  max_file_store: ${c.maxFileStore}
${c.syncAlways ? "  # Acknowledged means kept: each write is flushed to the disk before it is acknowledged.\n  sync_interval: always\n" : ""}}

authorization {
  users: [{ user: ${JSON.stringify(c.user)}, password: ${JSON.stringify(c.password)} }]
}
${c.cluster ? clusterPart(c.cluster, c) : ""}`;
}

/** Nobody listens there. */
const NOWHERE = "127.0.0.1:1";

function clusterPart({ name, port, ...to }: ClusterMember, { user, password }: NatsConfig): string {
  const routes = to.routes.map((route) => JSON.stringify(`nats://${user}:${password}@127.0.0.1:${route}`));
  return `
cluster {
  name: ${name}
  listen: "127.0.0.1:${port}"
${to.isRouted ? `  advertise: "${NOWHERE}"\n` : ""}  authorization { user: ${JSON.stringify(user)}, password: ${JSON.stringify(password)} }
  routes: [${routes.join(", ")}]
  # Clients stay with the addresses that they were given, which may lead through something.
  no_advertise: true
}
`;
}
