/** What testkit and servers start. */
interface Startable {
  readonly pid: number;
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
  pause(): void | Promise<void>;
  resume(): void | Promise<void>;
}

/** A process that is hit by faults. */
export interface Machine {
  readonly pid: number;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM (what its kind takes for an order to end); resolves when it has ended. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** SIGSTOP. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Why it is not well; undefined: it is. */
  illness(): Promise<string | undefined>;
}

export function machineOf(
  server: Startable,
  illness: () => Promise<string | undefined> = async () => undefined,
): Machine {
  return {
    get pid() {
      return server.pid;
    },
    kill: () => server.kill(),
    stop: () => server.stop(),
    start: () => server.start(),
    pause: async () => server.pause(),
    resume: async () => server.resume(),
    illness: async () => (server.pid === 0 ? "it does not run" : illness()),
  };
}
