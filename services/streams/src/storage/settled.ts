/** What became of each, in order; at most `atOnce` are worked on at the same time. */
export async function settled<T, R>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T) => Promise<R>,
): Promise<PromiseSettledResult<R>[]> {
  const results: PromiseSettledResult<R>[] = [];
  const rest = items[Symbol.iterator]();
  let count = 0;
  const worker = async () => {
    for (let next = rest.next(); !next.done; next = rest.next()) {
      const index = count++;
      const [result] = await Promise.allSettled([work(next.value)]);
      results[index] = result;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}

/** Raises why it failed, if it did. */
export function resultOf<R>(result: PromiseSettledResult<R>): R {
  if (result.status === "rejected") throw result.reason;
  return result.value;
}
