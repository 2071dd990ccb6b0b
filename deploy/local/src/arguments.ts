import { parseArgs } from "node:util";

export interface Arguments {
  /** Also start the simulator. */
  demo: boolean;
  /** Only print how to use this. */
  help: boolean;
}

/** Arguments that mean nothing here. */
export class UsageError extends Error {
  constructor(problem: string) {
    super(`${problem}\nTry: npm start -- --help`);
    this.name = "UsageError";
  }
}

/** What comes after `npm start --`. Raises UsageError. */
export function parseArguments(args: readonly string[]): Arguments {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        demo: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    return { demo: values.demo, help: values.help };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
