interface Node<T> {
  /** What was added under the filter that ends here. */
  here: Set<T> | undefined;
  /** What was added under the filter that ends here but for "#". */
  below: Set<T> | undefined;
  levels: Map<string, Node<T>> | undefined;
}

/** Values by topic filter; finds those whose filter matches a topic without looking at the others. */
export class TopicTree<T> {
  private readonly root: Node<T> = node();
  private count = 0;

  get size(): number {
    return this.count;
  }

  add(filter: string, value: T): void {
    const { at, below } = this.find(filter, true);
    if (at === undefined) return;
    let values = below ? at.below : at.here;
    if (values === undefined) {
      values = new Set();
      if (below) at.below = values;
      else at.here = values;
    }
    if (values.has(value)) return;
    values.add(value);
    this.count++;
  }

  delete(filter: string, value: T): void {
    const { at, below, path } = this.find(filter, false);
    const values = below ? at?.below : at?.here;
    if (at === undefined || !values?.delete(value)) return;
    this.count--;
    if (values.size > 0) return;
    if (below) at.below = undefined;
    else at.here = undefined;
    for (let i = path.length - 1; i >= 0; i--) {
      const [parent, level] = path[i] as readonly [Node<T>, string];
      const child = parent.levels?.get(level);
      if (child === undefined || child.here || child.below || child.levels) return;
      parent.levels?.delete(level);
      if (parent.levels?.size === 0) parent.levels = undefined;
    }
  }

  /** Calls `visit` for each value under a filter that matches the topic. */
  match(topic: string, visit: (value: T) => void): void {
    if (this.count > 0) walk(this.root, topic.split("/"), 0, topic.startsWith("$"), visit);
  }

  /** Calls `visit` for every value. */
  each(visit: (value: T) => void): void {
    walkAll(this.root, visit);
  }

  private find(filter: string, make: boolean) {
    const levels = filter.split("/");
    const below = levels.at(-1) === "#";
    if (below) levels.pop();
    const path: (readonly [Node<T>, string])[] = [];
    let at: Node<T> | undefined = this.root;
    for (const level of levels) {
      if (at === undefined) break;
      path.push([at, level]);
      let next: Node<T> | undefined = at.levels?.get(level);
      if (next === undefined && make) {
        next = node();
        at.levels ??= new Map();
        at.levels.set(level, next);
      }
      at = next;
    }
    return { at, below, path };
  }
}

function walk<T>(
  at: Node<T>,
  levels: readonly string[],
  depth: number,
  reserved: boolean,
  visit: (value: T) => void,
): void {
  // A leading wildcard does not match a topic that begins with $ [MQTT-4.7.2-1].
  const wild = depth > 0 || !reserved;
  if (wild && at.below) for (const value of at.below) visit(value);
  const level = levels[depth];
  if (level === undefined) {
    if (at.here) for (const value of at.here) visit(value);
    return;
  }
  const same = at.levels?.get(level);
  if (same) walk(same, levels, depth + 1, reserved, visit);
  const any = wild ? at.levels?.get("+") : undefined;
  if (any) walk(any, levels, depth + 1, reserved, visit);
}

function walkAll<T>(at: Node<T>, visit: (value: T) => void): void {
  for (const values of [at.here, at.below]) if (values) for (const value of values) visit(value);
  if (at.levels) for (const level of at.levels.values()) walkAll(level, visit);
}

function node<T>(): Node<T> {
  return { here: undefined, below: undefined, levels: undefined };
}
