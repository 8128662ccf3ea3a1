/**
 * The life of one process: parses the command line, runs the command that is meant, and turns whatever happens into
 * messages and an exit status. The only file that listens for signals and sets the status. Loads no command itself.
 */
import { FacetError } from '../src/errors.js';
import type { Group } from './command.js';
import { createContext } from './context.js';
import { causeOf, describeFailure, reportFailure } from './failure.js';
import { createOutput, OutputClosed } from './output.js';
import { type Answer, parse } from './parse.js';
import { writeMessage } from './terminal.js';

// After a bug, a command is asked to stop, and given this long to unmount and close.
const LAST_GRACE_MS = 5000;

const stop = new AbortController();
// Until the command line is understood, what it seems to ask for.
let telling = { json: process.argv.includes('--json'), verbose: process.argv.includes('--verbose') };
let ended = false;
let signals = 0;
let takesSignals: ((nth: number) => void) | undefined;

/** To be called once. Resolves when the command has ended; the process ends by itself when nothing is open any more. */
export async function main(root: Group, argv: readonly string[]): Promise<void> {
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  process.on('uncaughtException', onBug);
  process.on('unhandledRejection', onBug);
  process.on('exit', onExit);
  try {
    const parsed = await parse(root, argv);
    if ('text' in parsed) return await answer(parsed);
    telling = parsed.globals;
    const context = createContext(parsed.globals, root, stop, handler => {
      takesSignals = handler;
    });
    await parsed.command.run(context, parsed.args, parsed.options);
  } catch (error) {
    await fail(error);
  } finally {
    ended = true;
  }
}

async function answer({ text, misused }: Answer): Promise<void> {
  if (misused === undefined) return createOutput({ json: false, quiet: false, onClosed() {} }).text(text);
  if (telling.json) {
    throw new FacetError('usage', `${misused} needs a subcommand`, { hint: `see "${misused} --help"` });
  }
  writeMessage(text.trimEnd());
  process.exitCode = 2;
}

async function fail(error: unknown): Promise<void> {
  // The first failure counts: those that follow are its consequences.
  if (ended) return;
  ended = true;
  const told = causeOf(error, stop.signal);
  if (told instanceof OutputClosed) return;
  const failure = describeFailure(told);
  process.exitCode = failure.status;
  await reportFailure(told, failure, telling);
}

// However a command takes signals, the user gets rid of it in the end.
const MOST_SIGNALS = { taken: 3, left: 1 };

function onSignal(signal: NodeJS.Signals): void {
  signals += 1;
  if (signals > (takesSignals ? MOST_SIGNALS.taken : MOST_SIGNALS.left)) {
    ended = true;
    // A thread that waits for the kernel would keep `exit` waiting.
    if (takesSignals) process.kill(process.pid, 'SIGKILL');
    process.exit(130);
  }
  if (takesSignals) takesSignals(signals);
  else stop.abort(new FacetError('interrupted', `stopped by ${signal}`));
}

function onBug(error: unknown): void {
  void fail(error);
  stop.abort(error);
  takesSignals?.(2);
  setTimeout(() => process.exit(), LAST_GRACE_MS).unref();
}

/** A promise that nobody settles would end the process in silence, and with success. */
function onExit(): void {
  if (!ended) onBug(new Error('the command has not come to an end'));
}
