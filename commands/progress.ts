/**
 * A progress line on stderr, for somebody who watches: only on a terminal and with neither `--quiet` nor `--json`;
 * everywhere else, and in cron above all, silent. cli-progress is loaded only when there is something to draw.
 */
import type { CommandContext } from './command.js';
import { formatCount, formatDuration, formatSize } from './format.js';
import { escapeControls, setLiveLine, stderrIsTerminal } from './terminal.js';

export interface Progress {
  /** False where nobody watches: nothing need be counted for it. */
  readonly isShown: boolean;
  /** Cheap: draws ten times a second at most. `total` may change, and stays unknown when it is never given. */
  update(done: number, total?: number): void;
  /** Removes the line. To be called in a `finally`; a second time does nothing. */
  stop(): void;
}

export interface ProgressSettings {
  /** What is going on: `scanning docs`. */
  title: string;
  unit: 'files' | 'bytes';
}

const silent: Progress = { isShown: false, update() {}, stop() {} };

export async function openProgress(
  context: Pick<CommandContext, 'quiet' | 'json' | 'signal'>,
  settings: ProgressSettings,
): Promise<Progress> {
  if (!stderrIsTerminal || context.quiet || context.json) return silent;
  const { default: cliProgress } = await import('cli-progress');
  const started = performance.now();
  const state: State = { done: 0, total: undefined };
  const bar = new cliProgress.SingleBar({
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    // The rate falls while nothing happens, which an unchanged line would hide.
    forceRedraw: true,
    format: () => drawLine(settings, state, performance.now() - started, columnsOf(process.stderr)),
  });
  return runBar(bar, state);
}

/** Some terminals, as that of script(1), do not know their width, and say 0. */
function columnsOf({ columns }: { columns?: number }): number | undefined {
  return columns === 0 ? undefined : columns;
}

interface State {
  done: number;
  total: number | undefined;
}

interface Bar {
  start(total: number, value: number): void;
  update(value: number): void;
  stop(): void;
}

function runBar(bar: Bar, state: State): Progress {
  const show = () => bar.start(state.total ?? 0, state.done);
  const hide = () => bar.stop();
  const stop = () => {
    hide();
    setLiveLine(undefined);
    process.off('exit', stop);
  };
  // A second Ctrl-C ends the process at once, and must not leave the terminal without its cursor.
  process.on('exit', stop);
  setLiveLine({ show, hide });
  show();
  return {
    isShown: true,
    update(done, total) {
      state.done = done;
      state.total = total ?? state.total;
      bar.update(done);
    },
    stop,
  };
}

/** So many that all of a download's line fits into 80 columns. */
const BAR_COLUMNS = 14;

/** One line, cut to the width of the terminal. Exported for its test. */
export function drawLine(
  { title, unit }: ProgressSettings,
  { done, total }: State,
  elapsedMs: number,
  columns = 80,
): string {
  const show = (amount: number) => (unit === 'bytes' ? formatSize(amount) : formatCount(amount));
  const perSecond = elapsedMs > 0 ? (done * 1000) / elapsedMs : 0;
  const name = escapeControls(title);
  const rate = `${show(perSecond)}/s`;
  const noun = unit === 'files' ? ' files' : '';
  if (total === undefined || total <= 0)
    return `${name}  ${show(done)}${noun}  ${rate}`.slice(0, columns - 1);

  const share = Math.min(1, done / total);
  const full = Math.round(share * BAR_COLUMNS);
  const bar = `[${'='.repeat(full)}${' '.repeat(BAR_COLUMNS - full)}]`;
  const left =
    perSecond > 0 && done < total ? `  ${formatDuration(((total - done) * 1000) / perSecond)} left` : '';
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  return `${name}  ${bar} ${percent}  ${show(done)} / ${show(total)}${noun}  ${rate}${left}`.slice(
    0,
    columns - 1,
  );
}

/** Draws how far several things are together. */
export function meter(progress: Progress, total: number | undefined): (bytes: number) => void {
  let arrived = 0;
  return bytes => {
    arrived += bytes;
    progress.update(arrived, total);
  };
}
