/** A printer that drops lines which follow the last one within `ms`. */
export function atMostEvery(ms: number, print: (line: string) => void): (line: string) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (line) => {
    const now = performance.now();
    if (now - last < ms) return;
    last = now;
    print(line);
  };
}
