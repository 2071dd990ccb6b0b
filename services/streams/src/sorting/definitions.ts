/** How a stream sorts what comes. */
export interface Definition {
  readonly group: string;
  readonly stream: string;
  /** "none", "plain", "lines". */
  readonly concatenation: string;
  /** Empty: batches have to be named. */
  readonly batchPattern: string;
  readonly messagePattern: string;
}

/** One decision on a group or a stream. */
export interface Defined {
  /** In REGISTRY. */
  readonly sequence: number;
  /** ms since 1970 UTC. */
  readonly at: number;
  readonly group: string;
  /** Empty: the group itself. */
  readonly stream: string;
  /** Undefined: it was removed. */
  readonly set: DefinedGroup | DefinedStream | undefined;
}

export interface DefinedGroup {
  readonly defaultStream: string;
  readonly defaultGroup: boolean;
}

export interface DefinedStream {
  readonly concatenation: string;
  readonly batchPattern: string;
  readonly messagePattern: string;
}

/**
 * The groups and streams of a namespace as they were at any time: what came then is sorted as was decided then, however
 * late it is looked at, so that the tables can be built again.
 */
export class Definitions {
  /** By group and stream, in order. */
  private readonly of = new Map<string, Defined[]>();
  private readonly groups: Defined[] = [];

  /** @param decisions of the namespace, in order */
  constructor(decisions: readonly Defined[]) {
    for (const one of decisions) {
      if (one.stream === "") this.groups.push(one);
      const own = this.of.get(keyOf(one.group, one.stream));
      if (own) own.push(one);
      else this.of.set(keyOf(one.group, one.stream), [one]);
    }
  }

  /** @param at ms since 1970 UTC @param group empty: the default one @param stream empty: the group's default one */
  find(at: number, group: string, stream: string): Definition | undefined {
    const groupName = group || this.defaultGroup(at);
    if (groupName === undefined) return undefined;
    const own = this.last(at, groupName, "") as DefinedGroup | undefined;
    const streamName = stream || own?.defaultStream;
    if (!streamName) return undefined;
    const found = this.last(at, groupName, streamName) as DefinedStream | undefined;
    return found && { group: groupName, stream: streamName, ...found };
  }

  /** The one that was made so last, or the only one. */
  private defaultGroup(at: number): string | undefined {
    const groups = this.groups.filter((one) => one.at <= at);
    const chosen = groups.findLast(({ set }) => set !== undefined && (set as DefinedGroup).defaultGroup);
    const names = new Set(groups.map(({ group }) => group));
    return chosen?.group ?? (names.size === 1 ? [...names][0] : undefined);
  }

  private last(at: number, group: string, stream: string): Defined["set"] {
    return this.of.get(keyOf(group, stream))?.findLast((one) => one.at <= at)?.set;
  }
}

function keyOf(group: string, stream: string): string {
  return `${group}/${stream}`;
}
