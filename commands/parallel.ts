/** Works on several items at once, and takes the next one only when there is room: the items may be millions. */

/** Yields the results as they come. `work` is to catch its own failures; the first one that it does not ends everything. */
export async function* inParallel<Item, Result>(
  items: Iterable<Item>,
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const underWay = new Map<number, Promise<{ id: number; result: Result }>>();
  let next = 0;
  const settle = async () => {
    const { id, result } = await Promise.race(underWay.values());
    underWay.delete(id);
    return result;
  };
  try {
    for (const item of items) {
      const id = next++;
      underWay.set(
        id,
        work(item).then(result => ({ id, result })),
      );
      if (underWay.size >= atOnce) yield await settle();
    }
    while (underWay.size > 0) yield await settle();
  } finally {
    // Nobody asks for the rest any more, but it must not go on behind the caller's back.
    await Promise.allSettled(underWay.values());
  }
}
