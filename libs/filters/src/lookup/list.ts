/** Takes one out of a list whose order does not matter. Lists are gone through far more often than changed. */
export function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item);
  if (at < 0) return;
  const last = list.pop() as T;
  if (at < list.length) list[at] = last;
}
