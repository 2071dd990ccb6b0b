import { parseArgs } from "node:util";

export interface Arguments {
  /** Also start the simulator. */
  demo: boolean;
  /** Only print how to use this. */
  help: boolean;
  /** Take settings from a configuration file of cred's own server: from this one, or (empty) from where that looks. */
  credrc: string | undefined;
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
      args: withValue(args),
      options: {
        demo: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
        credrc: { type: "string" },
      },
    });
    return { demo: values.demo, help: values.help, credrc: values.credrc };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** `--credrc` may stand alone. */
function withValue(args: readonly string[]): string[] {
  return args.map((argument, index) => {
    const next = args[index + 1];
    return argument === "--credrc" && (next === undefined || next.startsWith("-")) ? "--credrc=" : argument;
  });
}
