/** Work that finds more work while it is done, such as listing the folders of folders: some of it at a time. */

export interface Work<Task, Result> {
  /** Waits until the result is wanted. */
  emit(result: Result): Promise<void>;
  /** More to be done, the newest first: what is waiting stays little. */
  add(tasks: readonly Task[]): void;
  /** Aborted when one task has failed, or when nobody wants the results any more. */
  signal: AbortSignal;
}

type Worker<Task, Result> = (task: Task, work: Work<Task, Result>) => Promise<void>;

/**
 * The results in any order. The first error of a task ends all others and is thrown. At most `parallel` tasks are under way,
 * each with at most one result that waits.
 */
export async function* inParallel<Task, Result>(
  first: readonly Task[],
  worker: Worker<Task, Result>,
  parallel: number,
  signal: AbortSignal,
): AsyncGenerator<Result> {
  const crew = new Crew(first, worker, parallel, signal);
  try {
    yield* crew.results();
  } finally {
    crew.end();
  }
}

class Crew<Task, Result> {
  readonly #tasks: Task[];
  readonly #worker: Worker<Task, Result>;
  readonly #parallel: number;
  readonly #signal: AbortSignal;
  readonly #ending = new AbortController();
  readonly #work: Work<Task, Result>;
  readonly #waiting: { result: Result; taken: () => void }[] = [];
  #active = 0;
  #failure: { error: unknown } | undefined;
  /** Called when there is something for `results` to do. */
  #wake = () => {};

  constructor(first: readonly Task[], worker: Worker<Task, Result>, parallel: number, signal: AbortSignal) {
    this.#tasks = first.toReversed();
    this.#worker = worker;
    this.#parallel = parallel;
    this.#signal = signal;
    this.#work = {
      emit: result => this.#emit(result),
      add: tasks => this.#add(tasks),
      signal: AbortSignal.any([signal, this.#ending.signal]),
    };
  }

  async *results(): AsyncGenerator<Result> {
    for (;;) {
      this.#signal.throwIfAborted();
      if (this.#failure !== undefined) throw this.#failure.error;
      this.#startTasks();
      const next = this.#waiting.shift();
      if (next === undefined && this.#active === 0) return;
      next?.taken();
      if (next === undefined) await this.#somethingToDo();
      else yield next.result;
    }
  }

  end(): void {
    this.#ending.abort();
    for (const { taken } of this.#waiting) taken();
  }

  #startTasks(): void {
    while (this.#active < this.#parallel) {
      const task = this.#tasks.pop();
      if (task === undefined) return;
      this.#active++;
      void this.#run(task);
    }
  }

  async #run(task: Task): Promise<void> {
    try {
      await this.#worker(task, this.#work);
    } catch (error) {
      this.#failure ??= { error };
    }
    this.#active--;
    this.#wake();
  }

  #emit(result: Result): Promise<void> {
    return new Promise((taken, refused) => {
      if (this.#ending.signal.aborted) return refused(this.#ending.signal.reason);
      this.#waiting.push({ result, taken });
      this.#wake();
    });
  }

  // One by one: they may be more than a call has room for.
  #add(tasks: readonly Task[]): void {
    for (const task of tasks.toReversed()) this.#tasks.push(task);
  }

  #somethingToDo(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve;
    });
  }
}
