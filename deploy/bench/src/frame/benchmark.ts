import type { Profiler } from "../profile/profiler.js";
import type { Row } from "./result.js";

/** What every benchmark can be asked on the command line. */
export interface BenchmarkOptions {
  /** Length of each measurement, in seconds. */
  readonly seconds: number;
  /** How often each is measured; medians are shown. */
  readonly repeats: number;
  /** Connections of the load generator. */
  readonly connections: number;
  /** Seconds that a whole path is kept under its load, where a benchmark has one; 0: it is left out. */
  readonly path: number;
  /** Events that a log grows to at most, where a benchmark lets one grow. */
  readonly events: number;
}

export interface BenchmarkContext extends BenchmarkOptions {
  /** An empty folder on the disk that is measured; removed at the end. */
  readonly folder: string;
  /** Says how far it is, to a person. */
  readonly progress: (message: string) => void;
  /** Ends it early. */
  readonly signal: AbortSignal;
  /** Profiles one of the processes while it is measured, where that is asked for. */
  readonly profiler?: Profiler;
}

/** A benchmark: one subcommand of `npm run bench`. */
export interface Benchmark {
  readonly name: string;
  /** One sentence. */
  readonly about: string;
  /** Connections of its load generator, where the command line does not say. */
  readonly connections: number;
  /** Length of each measurement in seconds, where the command line does not say; 5 if not given. */
  readonly seconds?: number;
  /** Raises NoResult when what was measured must not be taken for a result. */
  run(context: BenchmarkContext): Promise<Row[]>;
}

/** Something went wrong in the measured system, so there is no figure. */
export class NoResult extends Error {
  override readonly name = "NoResult";
}
