import type { Registry } from "prom-client";
import type { ReadDatabase } from "./database.js";
import type { ReadableLog, ReadModelDefinition } from "./definition.js";

export interface ReadModelLogger {
  info(data: object, message: string): void;
  warn(data: object, message: string): void;
  error(data: object, message: string): void;
}

export interface ReadModelRunnerOptions<T> {
  readonly log: ReadableLog;
  // biome-ignore lint/suspicious/noExplicitAny: the runner does not query the service's tables
  readonly database: ReadDatabase<any>;
  readonly definition: ReadModelDefinition<T>;
  readonly logger?: ReadModelLogger;
  readonly metrics?: Registry;
}

/** The same answer on every replica. */
export interface ReadModelStatus {
  readonly name: string;
  readonly version: number;
  /** Applied, and visible to queries. */
  readonly sequence: number;
  readonly logSequence: number;
  readonly state: "live" | "catching-up" | "rebuilding" | "stopped";
  readonly rebuildSequence?: number;
  readonly parked: number;
  /** Why it is stopped. */
  readonly reason?: string;
}

export class ReadModelRunner<T> {
  constructor(readonly options: ReadModelRunnerOptions<T>) {}
  /** Returns at once; connects, and connects again, by itself. */
  async start(): Promise<void> {
    throw new Error("not built yet");
  }
  /** Ends after the transaction under way. */
  async stop(): Promise<void> {}
  /** The last sequence that this replica knows to be applied. */
  get sequence(): number {
    return 0;
  }
  /** True as soon as the sequence is applied and visible to queries; false after `timeoutMs`. On any replica. */
  async waitFor(_sequence: number, _timeoutMs: number): Promise<boolean> {
    throw new Error("not built yet");
  }
  /** Asks the active replica to build the read model anew beside the live one. */
  async rebuild(): Promise<void> {}
  async status(): Promise<ReadModelStatus> {
    throw new Error("not built yet");
  }
  /** Why queries on it cannot be answered, or undefined. */
  async ready(): Promise<string | undefined> {
    return undefined;
  }
}
