/** Does one work through one contender, and says what it took. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { View } from '../contenders.js';
import { cpuSecondsOf, type RunOptions, run } from '../processes.js';
import type { MountContender } from './contenders.js';
import type { ReadingOrder, ReadingReport } from './reading.js';
import type { Line } from './servers.js';
import type { Everything, Order, Work } from './works.js';

/** Who takes his turn and is not ready by then is given up. */
export const LIMIT_SECONDS = 20;

export interface Measured {
  seconds: number;
  /** Of the process behind the mount, or of the bare reader. */
  cpuSeconds: number;
  /** It was given up after so many seconds. */
  isGivenUp: boolean;
}

const READ_FILES = fileURLToPath(new URL('./read-files.js', import.meta.url));
const READ_SERVER = fileURLToPath(new URL('./read-server.js', import.meta.url));

/** A mount while it is measured, which a work may replace by a new one. */
export class MountUnderTest {
  readonly #contender: MountContender;
  #view: View;

  static async open(contender: MountContender): Promise<MountUnderTest> {
    return new MountUnderTest(contender, await contender.open());
  }

  private constructor(contender: MountContender, view: View) {
    this.#contender = contender;
    this.#view = view;
  }

  get view(): View {
    return this.#view;
  }

  async measure(work: Work): Promise<Measured> {
    const { pid } = this.#view;
    const [startedAt, before] = [performance.now(), cpuSecondsOf(pid)];
    if (work.restarts) await this.#reopen();
    const restartSeconds = work.restarts ? (performance.now() - startedAt) / 1000 : 0;
    const done = await this.#do(work);
    const cpuSeconds = cpuSecondsOf(this.#view.pid) - (work.restarts ? 0 : before);
    return { seconds: restartSeconds + done.seconds, cpuSeconds, isGivenUp: done.isGivenUp };
  }

  #do({ task }: Work) {
    return 'listed' in task ? list(this.#view, task) : readFiles(this.#view, task, LIMIT_SECONDS);
  }

  async #reopen(): Promise<void> {
    await this.#view.close();
    this.#view = await this.#contender.open();
  }

  close(): Promise<void> {
    return this.#view.close();
  }
}

async function list({ root, as }: View, { listed }: Everything): Promise<Omit<Measured, 'cpuSeconds'>> {
  const args = [join(root, 'many'), '-type', 'f', '-printf', '%s %T@\\n'];
  const options = { as, capture: true, limitSeconds: LIMIT_SECONDS };
  const { seconds, status, stdout } = await runLimited('find', args, options);
  const files = stdout.split('\n').length - 1;
  if (status === 0 && files !== listed) throw new Error(`${root} lists ${files} files instead of ${listed}`);
  return { seconds, isGivenUp: status === null };
}

/** Reads files below a folder. */
export function readFiles(
  { root, as }: Pick<View, 'root' | 'as'>,
  order: Order,
  limitSeconds: number,
): Promise<Measured> {
  return read(READ_FILES, { ...order, from: root, parallel: 1 }, { as, limitSeconds });
}

/** Asks the server itself; what comes is dropped, or written to a file. */
export function readBare(
  { endpoint }: Line,
  { parallel, bareSize }: Pick<Work, 'parallel' | 'bareSize'>,
  order: Order,
  to?: string,
): Promise<Measured> {
  const size = bareSize ?? order.size;
  const target = to === undefined ? {} : { to };
  if (to !== undefined) mkdirSync(dirname(to), { recursive: true });
  return read(
    READ_SERVER,
    { ...order, size, from: endpoint, parallel, ...target },
    { limitSeconds: LIMIT_SECONDS },
  );
}

async function read(program: string, order: ReadingOrder, options: RunOptions): Promise<Measured> {
  const args = [program, JSON.stringify(order)];
  const { status, stdout, seconds } = await runLimited(process.execPath, args, { ...options, capture: true });
  if (status === null) return { seconds, cpuSeconds: 0, isGivenUp: true };
  const report: ReadingReport = JSON.parse(stdout);
  return { seconds: report.seconds, cpuSeconds: report.cpuSeconds, isGivenUp: false };
}

/** The status is null when the time was over. */
async function runLimited(program: string, args: readonly string[], options: RunOptions) {
  const finished = await run(program, args, { ...options, mayFail: true });
  const { status, stderr } = finished;
  if (status === null || status === 0) return finished;
  throw new Error(stderr.split('\n').find(line => line.includes('Error')) ?? stderr);
}
