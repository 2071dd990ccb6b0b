/** What testkit and servers start. */
interface Startable {
  readonly pid: number;
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
  pause?(): void;
  resume?(): void;
}

/** A process that is hit by faults. */
export interface Machine {
  readonly pid: number;
  /** Whether it can be made to hang. */
  readonly pausable: boolean;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM (what its kind takes for an order to end); resolves when it has ended. */
  stop(): Promise<void>;
  start(): Promise<void>;
  pause(): void;
  resume(): void;
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
    pausable: server.pause !== undefined,
    kill: () => server.kill(),
    stop: () => server.stop(),
    start: () => server.start(),
    pause: () => server.pause?.(),
    resume: () => server.resume?.(),
    illness: async () => (server.pid === 0 ? "it does not run" : illness()),
  };
}
