/** What is done to a process, to connections, to the log, or to a device's clock. */
export const KINDS = [
  "kill",
  "pause",
  "restart",
  "cut",
  "refuse",
  "swallow",
  "delay",
  "duplicate",
  "part",
  "fill",
  "clock",
] as const;
export type Kind = (typeof KINDS)[number];

/** What each does, for people. */
export const MEANINGS: Readonly<Record<Kind, string>> = {
  kill: "SIGKILL, and started again after a while",
  pause: "SIGSTOP, and SIGCONT after a while: its connections stay open, nothing answers",
  restart: "SIGTERM, and started again when it has ended by itself",
  cut: "all connections of a link are reset at once",
  refuse: "a link's connections are reset, and no new ones are taken for a while",
  swallow:
    "requests pass and answers are thrown away for a while, then the link is cut: acknowledgements get lost",
  delay: "all bytes of a link take longer, both ways",
  duplicate: "what clients send over a link is sent once more, on another connection",
  part: "one NATS server and the others do not hear each other for a while; every other time that is seen at once",
  fill: "a log may take no more bytes for a while, as with a full quota",
  clock: "a sender's clock is wrong for a while",
};

export interface Fault {
  readonly kind: Kind;
  /** A process, a link, a NATS server that is cut off from the others, a log, or a sender. */
  readonly target: string;
  /** ms since the first could have come. */
  readonly atMs: number;
  /** ms until it is lifted. */
  readonly forMs: number;
  /** Of `delay`: ms for each direction. Of `clock`: ms by which it is ahead. Of `part`: 1 when connections are reset, 0 when they fall silent. */
  readonly amount: number;
}

/** What may be hit by each kind. A kind without targets does not come. */
export type Targets = Readonly<Record<Kind, readonly string[]>>;

export function described({ kind, target, forMs, amount }: Fault): string {
  const seconds = `${(forMs / 1000).toFixed(1)} s`;
  if (kind === "cut") return `cut ${target}`;
  if (kind === "delay") return `delay ${target} by ${amount.toFixed(0)} ms for ${seconds}`;
  if (kind === "part") return `part ${target} ${amount === 0 ? "in silence" : "with a reset"} for ${seconds}`;
  if (kind === "clock")
    return `clock of ${target} is ${(amount / 3_600_000).toFixed(1)} h ahead for ${seconds}`;
  return `${kind} ${target} for ${seconds}`;
}
