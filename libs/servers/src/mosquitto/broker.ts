import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import { environment } from "../process/environment.js";
import { freePort, isFree, PortTaken } from "../process/ports.js";
import { ServerProcess } from "../process/server-process.js";

/** A program and the environment that it needs beside this process's own. */
export interface Command {
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface BrokerOptions {
  /** Holds the configuration and the process file. */
  dataDir: string;
  /** Port on 127.0.0.1. 0 (default): a free one. */
  port?: number;
  /** More lines of mosquitto.conf(5). Default: none, so that anybody may connect and nothing is kept on the disk. */
  config?: readonly string[];
  /** Gets each line that the broker logs. */
  log?: (line: string) => void;
}

/** A Mosquitto broker on this machine, reachable from this machine only. */
export interface RunningBroker {
  /** mqtt://127.0.0.1:port */
  readonly url: string;
  readonly port: number;
  /** 0 while it is down. */
  readonly pid: number;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a broker and resolves when it takes connections. Raises PortTaken, DataDirectoryInUse, ServerDidNotStart. */
export async function startBroker(program: Command, o: BrokerOptions): Promise<RunningBroker> {
  const dataDir = resolve(o.dataDir);
  await mkdir(dataDir, { recursive: true });
  if (o.port && !(await isFree(o.port))) throw new PortTaken("Mosquitto", o.port);
  const port = o.port || (await freePort());
  const lines = [
    `listener ${port} 127.0.0.1`,
    "allow_anonymous true",
    "persistence false",
    // As root it would change to a user who cannot read this folder.
    ...(process.getuid?.() === 0 ? ["user root"] : []),
    ...(o.config ?? []),
  ];
  const file = join(dataDir, "mosquitto.conf");
  await writeFile(file, `${lines.join("\n")}\n`, { mode: 0o600 });
  const server = new ServerProcess({
    name: "Mosquitto",
    dataDir,
    command: program.command,
    args: ["-c", file],
    env: environment(program.env),
    pidFile: join(dataDir, "mosquitto.pid"),
    stopSignal: "SIGTERM",
    answers: () => takesConnections(port),
    startTimeoutMs: 60_000,
    log: o.log ?? (() => undefined),
  });
  await server.start();
  return {
    url: `mqtt://127.0.0.1:${port}`,
    port,
    get pid() {
      return server.pid;
    },
    kill: () => server.kill(),
    stop: () => server.stop(),
  };
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (answers: boolean) => {
      socket.destroy();
      resolve(answers);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}
