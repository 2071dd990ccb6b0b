import type { LoggerService } from "@nestjs/common";
import {
  type DestinationStream,
  type Logger,
  type LoggerOptions as LoggerSettings,
  pino,
  stdSerializers,
} from "pino";
import { withoutPassword } from "./settings.js";
import { currentTraceIds } from "./tracing.js";

export type { Logger };

const SECRET_WORDS = "secret|authorization|password|token|signature|cookie|key";
const SECRET_NAME = new RegExp(`(${SECRET_WORDS})$`, "i");
const SECRET_IN_LINE = new RegExp(`"([^"\\\\]*(?:${SECRET_WORDS}))":"(?:[^"\\\\]|\\\\.)*"`, "gi");
const MAX_DEPTH = 6;

/** Whether a value under this name must not be written anywhere. */
function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

export interface LoggerOptions {
  /** Where entries go; default: standard output. */
  readonly destination?: DestinationStream | undefined;
  /** Told the level of each entry that is written. */
  readonly onEntry?: (level: string) => void;
}

/**
 * A logger that writes JSON lines. Values under names such as secret, authorization, token, key or signature are
 * replaced at any depth, and so are passwords in URLs.
 */
export function createLogger(
  service: string,
  level: string,
  { destination, onEntry }: LoggerOptions = {},
): Logger {
  const options: LoggerSettings = {
    level,
    base: { service },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (entry: object) => redact(entry, 0) as Record<string, unknown>,
    },
    serializers: { err: redactError, error: redactError },
    mixin: currentTraceIds,
    // What does not pass through the formatter: messages, and what child loggers were given.
    hooks: {
      streamWrite: redactLine,
      logMethod(args, method, number) {
        onEntry?.(pino.levels.labels[number] ?? "");
        method.apply(this, args);
      },
    },
  };
  return pino(options, destination ?? standardOutput());
}

/**
 * Written line by line: what waits in the background is tried for ever at the end of a process whose output nobody reads
 * any more (sonic-boom 4), and the process does not end.
 */
const standardOutput = (): DestinationStream => pino.destination({ dest: 1, sync: true });

function redactLine(line: string): string {
  return withoutPassword(line).replace(SECRET_IN_LINE, '"$1":"[redacted]"');
}

function redactError(error: unknown): unknown {
  return error instanceof Error ? redact({ ...stdSerializers.err(error) }, 0) : redact(error, 0);
}

function redact(value: unknown, depth: number): unknown {
  if (typeof value === "string") return withoutPassword(value);
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value))
    return depth < MAX_DEPTH ? value.map((item) => redact(item, depth + 1)) : "[deep]";
  if (value === null || typeof value !== "object" || !isPlain(value)) return value;
  if (depth >= MAX_DEPTH) return "[deep]";
  const copy: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) {
    copy[name] = item !== undefined && isSecretName(name) ? "[redacted]" : redact(item, depth + 1);
  }
  return copy;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Nest's own messages through our logger; what it tells about its wiring is for debugging. */
export function nestLogger(logger: Logger): LoggerService {
  const write =
    (level: "debug" | "warn" | "error" | "fatal" | "trace") =>
    (message: unknown, ...rest: unknown[]) => {
      const context = rest.at(-1);
      const entry = {
        ...(typeof context === "string" ? { context } : {}),
        ...(level === "error" && rest.length > 1 && typeof rest[0] === "string" ? { stack: rest[0] } : {}),
        ...(message instanceof Error ? { err: message } : {}),
      };
      logger[level](entry, message instanceof Error ? message.message : String(message));
    };
  return {
    log: write("debug"),
    error: write("error"),
    warn: write("warn"),
    debug: write("debug"),
    verbose: write("trace"),
    fatal: write("fatal"),
  };
}
