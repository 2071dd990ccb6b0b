import { PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** MiB; 8 for each half. */
const LIMIT = 16;

/**
 * Importing this lets V8's young generation grow to 16 MiB and no further. Left alone it grows to 128 MiB in
 * the moment in which a fleet connects, and gives nothing back while the connections are idle: a third of
 * the memory of 10,000 of them. The command line's --max-semi-space-size does the same, and is left alone
 * where given. To be imported first, and by a process of one's own only: it holds for all that runs there.
 */
function limitYoungGeneration(): void {
  // No setting of ours but Node's own, and needed before any setting is read.
  const given = [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].join(" ");
  if (given.includes("semi-space")) return;
  // The growth factor is read at each growth; the maximum only once, before any of this runs.
  let factor = 0;
  const setFactor = (next: 1 | 2) => {
    if (factor !== next) setFlagsFromString(`--semi-space-growth-factor=${next}`);
    factor = next;
  };
  setFactor(1);
  const afterCollection = () => {
    const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space");
    setFactor(space !== undefined && space.space_size * 2 <= LIMIT * 1024 * 1024 ? 2 : 1);
  };
  new PerformanceObserver(afterCollection).observe({ entryTypes: ["gc"] });
}

limitYoungGeneration();
