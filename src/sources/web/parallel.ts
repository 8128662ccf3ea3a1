/** Work that finds more work while it is done, such as listing the folders of folders: some of it at a time. */

export interface Work<Task, Result> {
  /** Waits until the result is wanted. */
  emit(result: Result): Promise<void>;
  /** More to be done, the newest first: what is waiting stays little. */
  add(tasks: readonly Task[]): void;
  /** Aborted when one task has failed, or when nobody wants the results any more. */
  signal: AbortSignal;
}

/**
 * The results in any order. The first error of a task ends all others and is thrown. At most `parallel` tasks are under way,
 * each with at most one result that waits.
 */
export async function* inParallel<Task, Result>(
  first: readonly Task[],
  work: (task: Task, tools: Work<Task, Result>) => Promise<void>,
  parallel: number,
  signal: AbortSignal,
): AsyncGenerator<Result> {
  const ending = new AbortController();
  const tasks = [...first].reverse();
  const waiting: { result: Result; taken: () => void }[] = [];
  let active = 0;
  let failure: { error: unknown } | undefined;
  let wake = () => {};
  const tools: Work<Task, Result> = {
    emit: result =>
      new Promise((taken, refused) => {
        if (ending.signal.aborted) refused(ending.signal.reason);
        waiting.push({ result, taken });
        wake();
      }),
    add: more => {
      for (const task of more.toReversed()) tasks.push(task);
    },
    signal: AbortSignal.any([signal, ending.signal]),
  };
  const run = async (task: Task) => {
    try {
      await work(task, tools);
    } catch (error) {
      failure ??= { error };
    }
    active--;
    wake();
  };
  try {
    while (failure === undefined) {
      signal.throwIfAborted();
      for (let task = nextTask(); task !== undefined; task = nextTask()) void run(task);
      const one = waiting.shift();
      if (one !== undefined) {
        one.taken();
        yield one.result;
      } else if (active > 0) {
        await new Promise<void>(resolve => {
          wake = resolve;
        });
      } else if (tasks.length === 0 && failure === undefined) return;
    }
    throw failure.error;
  } finally {
    ending.abort();
    for (const { taken } of waiting) taken();
  }

  function nextTask(): Task | undefined {
    if (active >= parallel) return undefined;
    const task = tasks.pop();
    if (task !== undefined) active++;
    return task;
  }
}
