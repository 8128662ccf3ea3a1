/**
 * Runs the tests: node:test on the compiled output of every `*.test.ts` below test/, each file in a process of its own.
 *
 *     npm test                                all of them
 *     npm test -- mount config                the files whose path contains `mount` or `config`
 *     npm test -- fetch --name resume         of these, the tests whose name matches /resume/
 *
 * The files are listed from the sources, so that what an older build left in dist never runs. Ends with the counts as
 * node's TAP reporter prints them, `# pass 12`. The exit status is 1 when a test failed, and when none ran.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SHARED_FOLDER, stopS3 } from './support/s3-process.js';

// A test that hangs, on a mount for one, is to fail while there is still time to look into it.
const LONGEST_TEST_MS = 600_000;
// Many wait for a moment to pass, and leave their core to one more. With more than that they only make each other late.
const MOST_AT_ONCE = 4;

const sources = fileURLToPath(new URL('../../test/', import.meta.url));
const compiled = fileURLToPath(new URL('./', import.meta.url));

function testFiles(parts: readonly string[]): string[] {
  const names = readdirSync(sources, { recursive: true, encoding: 'utf8' }).sort();
  return names
    .filter(name => name.endsWith('.test.ts'))
    .filter(name => parts.length === 0 || parts.some(part => name.includes(part)))
    .map(name => join(compiled, name.replace(/ts$/, 'js')));
}

/** Resolves to the exit status of node and the lines that its TAP reporter closes with. */
async function runTests(files: readonly string[], name: string | undefined) {
  const directory = mkdtempSync(join(tmpdir(), 'facet-test-'));
  const tap = join(directory, 'tap');
  // Node may end before it has written anything.
  writeFileSync(tap, '');
  const options = [
    `--test-concurrency=${Math.min(availableParallelism() + 1, MOST_AT_ONCE)}`,
    `--test-timeout=${LONGEST_TEST_MS}`,
    ...(name === undefined ? [] : [`--test-name-pattern=${name}`]),
    ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
    ...['--test-reporter=tap', `--test-reporter-destination=${tap}`],
  ];
  try {
    const env = { ...process.env, [SHARED_FOLDER]: directory };
    const node = spawn(process.execPath, ['--test', ...options, ...files], { stdio: 'inherit', env });
    const [status] = await once(node, 'exit');
    const counts = /(?:^# [a-z_]+ [\d.]+\n)+$/m.exec(readFileSync(tap, 'utf8'))?.[0] ?? '';
    return { failed: status !== 0, counts };
  } finally {
    stopS3(directory);
    rmSync(directory, { recursive: true });
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { name: { type: 'string' } },
    allowPositionals: true,
  });
  process.exitCode = 1;
  const files = testFiles(positionals);
  if (files.length === 0) return console.error(`no test file has a path with ${positionals.join(' or ')}`);
  const { failed, counts } = await runTests(files, values.name);
  const passed = Number(/^# pass (\d+)$/m.exec(counts)?.[1] ?? 0);
  if (!failed && passed === 0) console.error('no test ran');
  else if (!failed) process.exitCode = 0;
  process.stdout.write(counts);
}

await main();
