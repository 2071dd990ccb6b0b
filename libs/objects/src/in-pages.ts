/** As they come, so many at a time; the last page may have fewer, and none is empty. */
export async function* inPages<T>(all: AsyncIterable<T>, most: number): AsyncGenerator<T[], void> {
  let page: T[] = [];
  for await (const one of all) {
    page.push(one);
    if (page.length < most) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
