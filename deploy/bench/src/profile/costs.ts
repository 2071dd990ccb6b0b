import type { HeapProfiler, Profiler, Runtime } from "node:inspector";

/** Where a function stands, for people. */
export interface Place {
  /** `services/edge-http`, `@nats-io/jetstream`, `Node`, `V8`, `GC`, `idle`. */
  readonly package: string;
  /** With its source line, where it has one. */
  readonly name: string;
}

export type Locate = (frame: Runtime.CallFrame) => Place;

/** Of one function or package: microseconds, or bytes. */
export interface Cost {
  readonly name: string;
  readonly self: number;
  /** With what it calls. */
  readonly whole: number;
}

/** What profiles of one kind add up to. */
export interface Costs {
  readonly total: number;
  readonly packages: readonly Cost[];
  readonly functions: readonly Cost[];
}

/** A call tree with what each of its nodes costs by itself; an order in which callers come before what they call. */
interface Tree {
  readonly frame: Runtime.CallFrame;
  readonly self: number;
  readonly children: readonly Tree[];
}

/** Time by function and by package, most expensive first, of several profiles together; in microseconds. */
export function timeOf(profiles: readonly Profiler.Profile[], locate: Locate): Costs {
  return added(profiles.map(treeOfTime), locate);
}

/** The same of what was allocated, in bytes. */
export function allocationOf(profiles: readonly HeapProfiler.SamplingHeapProfile[], locate: Locate): Costs {
  return added(
    profiles.map(({ head }) => treeOfHeap(head)),
    locate,
  );
}

/** A sample stands for the time until the next one. */
function treeOfTime({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Tree {
  const self = new Map<number, number>();
  for (const [index, id] of samples.entries()) {
    self.set(id, (self.get(id) ?? 0) + Math.max(0, timeDeltas[index + 1] ?? 0));
  }
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const tree = (node: Profiler.ProfileNode): Tree => ({
    frame: node.callFrame,
    self: self.get(node.id) ?? 0,
    children: (node.children ?? []).flatMap((id) => {
      const child = byId.get(id);
      return child ? [tree(child)] : [];
    }),
  });
  const [root] = nodes;
  if (!root) throw new RangeError("a profile without nodes");
  return tree(root);
}

function treeOfHeap({ callFrame, selfSize, children }: HeapProfiler.SamplingHeapProfileNode): Tree {
  return { frame: callFrame, self: selfSize, children: children.map(treeOfHeap) };
}

class Sums {
  readonly self = new Map<string, number>();
  readonly whole = new Map<string, number>();

  /** @param above the names of its callers: what calls itself counts once */
  add(name: string, above: ReadonlySet<string>, self: number): void {
    this.self.set(name, (this.self.get(name) ?? 0) + self);
    for (const each of above.has(name) ? above : [...above, name]) {
      this.whole.set(each, (this.whole.get(each) ?? 0) + self);
    }
  }

  get costs(): Cost[] {
    const costs = [...this.self].map(([name, self]) => ({ name, self, whole: this.whole.get(name) ?? self }));
    return costs.sort((a, b) => b.self - a.self);
  }
}

function added(trees: readonly Tree[], locate: Locate): Costs {
  const [packages, functions] = [new Sums(), new Sums()];
  let total = 0;
  const visit = (tree: Tree, inPackages: ReadonlySet<string>, inFunctions: ReadonlySet<string>) => {
    const place = locate(tree.frame);
    packages.add(place.package, inPackages, tree.self);
    functions.add(place.name, inFunctions, tree.self);
    total += tree.self;
    const below = [new Set(inPackages).add(place.package), new Set(inFunctions).add(place.name)] as const;
    for (const child of tree.children) visit(child, ...below);
  };
  for (const tree of trees) for (const child of tree.children) visit(child, new Set(), new Set());
  return { total, packages: packages.costs, functions: functions.costs };
}
