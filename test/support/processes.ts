/** Other processes that take part in a test: compiled programs of the tests themselves. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

export interface Program {
  process: ChildProcess;
  /** Resolves to the next line that it printed. */
  line(): Promise<string>;
  /** Resolves to everything it printed, once it has ended well. */
  output: Promise<string>;
}

export const isRoot = process.getuid?.() === 0;

/** A command before another one, for which permissions hold then even when root runs it. */
export const withoutOverrides = ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--'];

/**
 * Starts a compiled program of the tests (`./scan-process.js`, beside the test). With `unprivileged`, permissions hold
 * for it even where root runs the tests. It is killed when the test is over.
 */
export function startProgram(
  context: TestContext,
  url: URL,
  args: readonly string[],
  { unprivileged = false } = {},
): Program {
  const command = [process.execPath, fileURLToPath(url), ...args];
  if (unprivileged && isRoot) command.unshift(...withoutOverrides);
  const [program = '', ...rest] = command;
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  context.after(() => child.kill('SIGKILL'));
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', piece => {
    printed += piece;
  });
  const output = once(child, 'close').then(([status, signal]) => {
    assert.equal(signal ?? status, 0, `${url.pathname} ended with ${signal ?? status}`);
    return printed;
  });
  output.catch(() => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { process: child, line: async () => String((await lines.next()).value), output };
}

/** Runs a program to its end. Returns the JSON of the last line that it printed. */
export async function runProgram<T>(...args: Parameters<typeof startProgram>): Promise<T> {
  const output = await startProgram(...args).output;
  return JSON.parse(output.trimEnd().split('\n').at(-1) ?? '');
}
