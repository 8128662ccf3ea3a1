/**
 * The command frame from outside: the real binary, and the real frame around commands made for a test, each in a
 * process of its own.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { exitStatuses } from '../../commands/exit-status.js';
import { formatCount, formatDuration, formatItems, formatSize } from '../../commands/format.js';
import { drawLine } from '../../commands/progress.js';
import { escapeControls, printable } from '../../commands/terminal.js';

const binary = fileURLToPath(new URL('../../commands/facet.js', import.meta.url));

test('--help names every command on stdout, and loads none', () => {
  const { status, stdout, stderr } = facet('--help');
  assert.equal(status, 0);
  assert.equal(stderr, '');
  for (const name of ['cache', 'completion', 'help', '--json', '--home DIR', '--version']) {
    assert.ok(stdout.includes(name), name);
  }
  const broken = program(`{ bad: entry('never loaded', () => { throw new Error('loaded') }) }`, ['--help']);
  assert.equal(broken.status, 0, broken.stderr);
  assert.match(broken.stdout, /never loaded/);
});

test('help, --help and -h of a subcommand say the same', () => {
  const help = facet('help', 'cache', 'status');
  assert.equal(help.status, 0);
  assert.match(help.stdout, /^Usage: facet cache status/);
  assert.match(help.stdout, /--no-color/);
  assert.deepEqual(facet('cache', 'status', '--help'), help);
  assert.deepEqual(facet('cache', 'status', '-h'), help);
  assert.deepEqual(facet('help'), facet('--help'));
});

test('--version is that of the package', () => {
  assert.match(facet('--version').stdout, /^\d+\.\d+\.\d+\S*\n$/);
});

test('usage errors: status 2, one message, a hint, nothing on stdout', () => {
  const errors: [string[], RegExp][] = [
    [['cahce'], /^facet: unknown command 'cahce'\nhint: did you mean cache\?\n$/],
    [['cahce', '--help'], /^facet: unknown command 'cahce'\nhint: did you mean cache\?\n$/],
    [['help', 'cahce'], /^facet: unknown command 'cahce'\nhint: did you mean cache\?\n$/],
    [['cache', 'xyzzy'], /^facet: unknown command 'xyzzy'\nhint: see "facet cache --help"\n$/],
    [['cache', 'status', '--josn'], /^facet: unknown option '--josn'\nhint: did you mean --json\?\n$/],
    [['cache', 'status', 'x'], /^facet: too many arguments.*\nhint: see "facet cache status --help"\n$/],
    [['completion'], /^facet: missing required argument 'SHELL'\nhint: see "facet completion --help"\n$/],
    [['completion', 'tcsh'], /^facet: SHELL: expected one of bash, zsh, fish, found 'tcsh'\n$/],
    [['cache', 'status', '--home'], /^facet: option '--home DIR' argument missing\nhint: see/],
    [['cache', 'status', '--home', ''], /^facet: --home DIR: expected a name, found an empty value\n$/],
    [['\u001b[31m\n'], /^facet: unknown command '\\x1b\[31m\\n'\nhint: see "facet --help"\n$/],
  ];
  for (const [words, message] of errors) {
    const { status, stdout, stderr } = facet(...words);
    assert.equal(status, 2, words.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, message);
  }
});

test('a group without a subcommand prints its help on stderr, with status 2', () => {
  const { status, stdout, stderr } = facet('cache');
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /^Usage: facet cache/);
  assert.match(stderr, /status/);
  assert.equal(facet().status, 2);
  const asJson = facet('cache', '--json');
  assert.equal(asJson.status, 2);
  assert.deepEqual(JSON.parse(asJson.stderr), {
    error: { code: 'usage', message: 'facet cache needs a subcommand', hint: 'see "facet cache --help"' },
  });
});

test('global flags count before and after the subcommand', () => {
  for (const words of [
    ['--home', '/h', '--json', 'cache', 'status'],
    ['cache', '--json', 'status', '--home', '/h'],
    ['cache', 'status', '--json', '--home=/h'],
  ]) {
    assert.equal(JSON.parse(ok(facet(...words)).stdout).directory, '/h/cache');
  }
});

test('options and arguments arrive with the types of their declarations', () => {
  const declared = `{ do: entry('does it', async () => ({ default: command({
    arguments: { first: argument(kinds.text, 'FIRST', ''), rest: argumentList(kinds.count(), 'N', '') },
    options: {
      dryRun: flag('', { short: 'n' }),
      noVerify: flag(''),
      parallel: option(kinds.count(1, 64), 'N', 'how many', { default: '4', short: 'p' }),
      limit: option(kinds.size, 'SIZE', ''),
      exclude: optionList(kinds.text, 'GLOB', ''),
      driver: option(kinds.oneOf('auto', 'kernel'), 'D', 'which', { default: 'auto' }),
    },
    async run({ output }, args, options) { await output.result({ args, options }, String); },
  }) })) }`;
  const given = (...words: string[]) => JSON.parse(ok(program(declared, ['--json', 'do', ...words])).stdout);
  assert.deepEqual(given('a'), {
    args: { first: 'a', rest: [] },
    options: { dryRun: false, noVerify: false, parallel: 4, exclude: [], driver: 'auto' },
  });
  assert.deepEqual(
    given(
      '-n',
      '--exclude',
      '*.a',
      '-p9',
      '--exclude=*.b',
      '--limit',
      '1GiB',
      '--no-verify',
      '--',
      '-a',
      '1',
      '2',
    ),
    {
      args: { first: '-a', rest: [1, 2] },
      options: {
        dryRun: true,
        noVerify: true,
        parallel: 9,
        limit: 1_073_741_824,
        exclude: ['*.a', '*.b'],
        driver: 'auto',
      },
    },
  );
  const refused = program(declared, ['do', 'a', '--parallel', '65']);
  assert.equal(refused.status, 2);
  assert.equal(refused.stderr, "facet: -p, --parallel N: expected a whole number from 1 to 64, found '65'\n");
  assert.match(program(declared, ['do', '--help']).stdout, /-p, --parallel N +how many \(default: 4\)/);
});

test('every error code has its exit status, message, hint and JSON form', () => {
  for (const [code, expected] of Object.entries(exitStatuses)) {
    const thrown = `throw new FacetError('${code}', 'cannot do it', { hint: 'try again' })`;
    const plain = running(thrown);
    assert.deepEqual(
      [plain.status, plain.stdout, plain.stderr],
      [expected, '', 'facet: cannot do it\nhint: try again\n'],
      code,
    );
    const { status, stderr } = running(thrown, ['--json', '--verbose']);
    assert.equal(status, expected);
    assert.deepEqual(JSON.parse(stderr), { error: { code, message: 'cannot do it', hint: 'try again' } });
  }
});

test('system errors are told in words, bugs as bugs; stacks only with --verbose', () => {
  const missing = running(`(await import('node:fs')).readFileSync('/no/such')`);
  assert.deepEqual(
    [missing.status, missing.stderr],
    [3, 'facet: cannot open /no/such: no such file or directory\n'],
  );
  const full = running(`(await import('node:fs')).writeFileSync('/dev/full', 'x')`);
  assert.equal(full.status, 1);
  assert.match(full.stderr, /^facet: cannot write: no space left on device\nhint: /);
  const sqlite = running(
    `throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' })`,
  );
  assert.equal(sqlite.status, 1);
  assert.match(sqlite.stderr, /^facet: the catalog cannot grow: its disk is full /);
  assert.equal(running(`throw Object.assign(new Error('x'), { code: 'SQLITE_BUSY_SNAPSHOT' })`).status, 7);
  assert.equal(running(`throw Object.assign(new Error('x'), { code: 'SQLITE_CORRUPT_INDEX' })`).status, 6);

  const bugs = [
    'null.x',
    'throw 7',
    'Buffer.alloc(-1)',
    'setTimeout(() => null.x); await new Promise(() => {})',
  ];
  for (const bug of [...bugs, 'void Promise.reject(new Error("lost")); await new Promise(() => {})']) {
    const { status, stdout, stderr } = running(bug);
    assert.deepEqual([status, stdout], [1, ''], bug);
    assert.match(stderr, /^facet: internal error: .*\nhint: .*--verbose.*\n$/, bug);
  }
  assert.match(running('null.x', ['--verbose']).stderr, / at .*run/);
});

test('a command that never ends is a bug, not a success', () => {
  const { status, stderr } = running('await new Promise(() => {})');
  assert.equal(status, 1);
  assert.match(stderr, /^facet: internal error: the command has not come to an end\n/);
});

test('notes are for terminals or --verbose, warnings for all', () => {
  const both = `note('all is well\\n'); warn('not so well', 'look')`;
  const warning = 'facet: warning: not so well\nhint: look\n';
  assert.equal(running(both).stderr, warning);
  assert.equal(running(both, ['-v']).stderr, `all is well\\n\n${warning}`);
  assert.equal(running(both, ['-vq']).stderr, warning);
  assert.deepEqual(JSON.parse(running(both, ['-v', '--json']).stderr), {
    warning: { message: 'not so well', hint: 'look' },
  });
});

test('listings: text lines or one JSON object a line', () => {
  const listing = `await output.rows([{ name: 'a\\nb', size: 1 }, { name: 'c', size: 2 }], row => row.name)`;
  assert.equal(running(listing).stdout, 'a\nb\nc\n');
  assert.equal(running(listing, ['--json']).stdout, '{"name":"a\\nb","size":1}\n{"name":"c","size":2}\n');
  assert.equal(running('await output.rows([], String)').stdout, '');
});

test('what was done is told, but not with --quiet; with --json it is data', () => {
  const done = `await output.done({ files: 1 }, () => 'did it')`;
  assert.equal(running(done).stdout, 'did it\n');
  assert.equal(running(done, ['--quiet']).stdout, '');
  assert.equal(running(done, ['--quiet', '--json']).stdout, '{"files":1}\n');
  assert.equal(running(`await output.result({ files: 1 }, () => '1')`, ['--quiet']).stdout, '1\n');
});

test('a long listing arrives complete and in order, from both kinds of producers', () => {
  for (const kind of ['function*', 'async function*']) {
    const { status, stdout } = running(
      `const rows = (${kind} () { for (let i = 0; i < 300000; i++) yield { i }; })(); await output.rows(rows, row => String(row.i))`,
    );
    assert.equal(status, 0);
    assert.equal(stdout, Array.from({ length: 300_000 }, (_, i) => `${i}\n`).join(''));
  }
});

test('slow rows are shown while the next is awaited', async () => {
  const child = start(
    body(`const { once } = await import('node:events');
    await output.rows((async function* () { yield { i: 1 }; await once(process.stdin, 'data'); yield { i: 2 }; })(), row => String(row.i));
    process.stdin.destroy();`),
  );
  const [first] = await once(streamOf(child.stdout), 'data');
  assert.equal(String(first), '1\n');
  child.stdin?.write('go');
  const [second] = await once(streamOf(child.stdout), 'data');
  assert.equal(String(second), '2\n');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('when the producer fails, what it delivered before is shown', () => {
  const { status, stdout, stderr } = running(
    `await output.rows((async function* () { yield { i: 1 }; throw new FacetError('failed', 'oh'); })(), row => String(row.i))`,
  );
  assert.deepEqual([status, stdout, stderr], [1, '1\n', 'facet: oh\n']);
});

test('a reader that goes away stops the producer, quietly and with status 0', () => {
  for (const kind of ['function*', 'async function*']) {
    const endless = `const rows = (${kind} () { try { for (let i = 0; ; i++) yield { i }; } finally { process.stderr.write('stopped'); } })();
      await output.rows(rows, row => String(row.i)); process.stderr.write('not reached')`;
    const { status, stdout, stderr } = piped(body(endless), 'head -1');
    assert.deepEqual([status, stdout, stderr], [0, '0\n', 'stopped'], kind);
  }
  const help = piped(
    body('await new Promise(r => setTimeout(r, 100)); await output.text("x".repeat(1e6))'),
    'true',
  );
  assert.deepEqual([help.status, help.stderr], [0, '']);
});

test('a full disk behind stdout is an error', () => {
  const run = spawnSync(process.execPath, [binary, 'cache', 'status'], {
    encoding: 'utf8',
    stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
  });
  assert.equal(run.status, 1);
  assert.match(run.stderr, /^facet: cannot write to standard output: .*no space left/);
});

test('SIGINT and SIGTERM ask the command to stop, a second one ends it', async () => {
  const announced = `process.stdout.write('ready'); const hold = setInterval(() => {}, 1000);`;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    const polite = start(
      body(
        `${announced} await new Promise(r => signal.addEventListener('abort', r)); clearInterval(hold); signal.throwIfAborted()`,
      ),
    );
    await once(streamOf(polite.stdout), 'data');
    polite.kill(name);
    const [told] = await once(streamOf(polite.stderr), 'data');
    assert.equal(String(told), `facet: stopped by ${name}\n`);
    assert.deepEqual(await once(polite, 'exit'), [130, null]);
  }

  const nodeOwn = start(
    body(
      `${announced} clearInterval(hold); await (await import('node:timers/promises')).setTimeout(1e8, 0, { signal })`,
    ),
  );
  await once(streamOf(nodeOwn.stdout), 'data');
  nodeOwn.kill('SIGINT');
  assert.deepEqual(await once(nodeOwn, 'exit'), [130, null]);

  const stubborn = start(
    body(
      `${announced} signal.addEventListener('abort', () => process.stdout.write('heard')); await new Promise(() => {})`,
    ),
  );
  await once(streamOf(stubborn.stdout), 'data');
  stubborn.kill('SIGINT');
  await once(streamOf(stubborn.stdout), 'data');
  stubborn.kill('SIGINT');
  assert.deepEqual(await once(stubborn, 'exit'), [130, null]);
});

test('nothing is created by looking', t => {
  const home = mkdtempSync(join(tmpdir(), 'facet-frame-'));
  t.after(() => rmSync(home, { recursive: true }));
  assert.equal(facet('cache', 'status', '--home', join(home, 'new')).status, 0);
  assert.equal(existsSync(join(home, 'new')), false);
});

test('the completion scripts are made from the declarations, and bash completes with its own', () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { status, stdout, stderr } = facet('completion', shell);
    assert.deepEqual([status, stderr], [0, '']);
    for (const word of ['status', 'completion', 'no-color', 'bash zsh fish']) {
      assert.ok(stdout.replaceAll("'", '').includes(word), `${shell}: ${word}`);
    }
  }
  const script = facet('completion', 'bash').stdout;
  const checked = spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' });
  assert.deepEqual([checked.status, checked.stderr], [0, '']);

  const offered = (words: string[], cwd = '/') => completeInBash(script, words, cwd);
  assert.ok(offered(['facet', '']).includes('cache'));
  assert.deepEqual(offered(['facet', 'ca']), ['cache']);
  assert.deepEqual(offered(['facet', 'cache', 'un']), ['unpin']);
  assert.deepEqual(offered(['facet', '--json', '--home', '/x', 'cache', 'st']), ['status']);
  assert.deepEqual(offered(['facet', 'completion', '']), ['bash', 'zsh', 'fish']);
  assert.deepEqual(offered(['facet', 'completion', 'z']), ['zsh']);
  assert.deepEqual(offered(['facet', 'completion', 'zsh', '']), []);
  assert.deepEqual(offered(['facet', 'cache', 'status', '--no']), ['--no-color']);
  assert.deepEqual(offered(['facet', '--home', '/de']), ['/dev']);
  assert.deepEqual(offered(['facet', '--home', '=', '/de']), ['/dev']);
  assert.deepEqual(offered(['facet', 'cache', '--', '-']), []);
  assert.ok(offered(['facet', 'help', '']).includes('completion'));
});

for (const [shell, check] of [
  ['zsh', ['-n']],
  ['fish', ['--no-execute']],
] as const) {
  test(`the ${shell} script is valid`, context => {
    const folder = mkdtempSync(join(tmpdir(), 'facet-completion-'));
    context.after(() => rmSync(folder, { recursive: true }));
    const script = join(folder, `completion.${shell}`);
    writeFileSync(script, facet('completion', shell).stdout);
    const checked = spawnSync(shell, [...check, script], { encoding: 'utf8' });
    assert.deepEqual([checked.status, checked.stderr], [0, '']);
  });
}

test('names cannot drive the terminal', () => {
  assert.equal(printable('a\nb\u001b[2J\\\u009b\u202e', true), 'a\\nb\\x1b[2J\\\\\\x9b\\u202e');
  assert.equal(printable('a\nb\\', false), 'a\nb\\');
  assert.equal(printable('Grüße 👋 日本', true), 'Grüße 👋 日本');
  assert.equal(escapeControls('\ud800x'), '\\ud800x');
});

test('figures for people', () => {
  const sizes: [number, string][] = [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [1_449_000, '1.4 MB'],
    [9_960_000, '10 MB'],
    [999_600, '1.0 MB'],
    [2e12, '2.0 TB'],
    [5e18, '5000 PB'],
  ];
  for (const [bytes, text] of sizes) assert.equal(formatSize(bytes), text);
  assert.deepEqual([0, 999, 1000, 1_234_567].map(formatCount), ['0', '999', '1,000', '1,234,567']);
  assert.deepEqual(
    [formatItems(1, 'file'), formatItems(2000, 'entry', 'entries')],
    ['1 file', '2,000 entries'],
  );
  const durations: [number, string][] = [
    [0, '0 ms'],
    [999.7, '1.0 s'],
    [4230, '4.2 s'],
    [59_700, '1 min 00 s'],
    [185_000, '3 min 05 s'],
    [7_800_000, '2 h 10 min'],
    [5 * 86_400_000, '5 d 00 h'],
  ];
  for (const [milliseconds, text] of durations) assert.equal(formatDuration(milliseconds), text);
});

test('the progress line shows what is known, within the width of the terminal', () => {
  const files = { title: 'scanning docs', unit: 'files' } as const;
  assert.equal(drawLine(files, { done: 1200, total: undefined }, 2000), 'scanning docs  1,200 files  600/s');
  const line = drawLine({ title: 'a\nb', unit: 'bytes' }, { done: 5e8, total: 1e9 }, 1000, 200);
  assert.equal(line, `a\\nb  [${'='.repeat(7)}${' '.repeat(7)}]  50%  500 MB / 1.0 GB  500 MB/s  1.0 s left`);
  assert.equal(drawLine(files, { done: 1, total: 2 }, 1, 20).length, 19);
  const download = drawLine({ title: 'downloading', unit: 'bytes' }, { done: 151e9, total: 333e9 }, 1e6);
  assert.ok(download.endsWith('151 GB / 333 GB  151 MB/s  20 min 05 s left'), download);
});

test('progress draws on a terminal only, gives way to messages, and leaves nothing behind', () => {
  const work = `const { openProgress } = await import(${moduleUrl('commands/progress.js')});
    const progress = await openProgress(context, { title: 'counting', unit: 'files' });
    progress.update(1, 3); warn('look here'); progress.update(2); progress.stop(); progress.stop(); note('done')`;
  assert.equal(running(work).stderr, 'facet: warning: look here\n');
  const onTerminal = inTerminal(body(work));
  assert.match(onTerminal, /counting .* 1 \/ 3 files {2}[\d,]+\/s {2}[\d.]+ m?s left/);
  assert.match(onTerminal, /(^|\n|\x1b\[0?K|\x1b\[2K|\r)facet: warning: look here\r\n/);
  assert.match(onTerminal, /done\r\n$/);
  assert.ok(onTerminal.lastIndexOf('\x1b[?25h') > onTerminal.lastIndexOf('\x1b[?25l'), 'the cursor is back');
  assert.doesNotMatch(inTerminal(body(work), ['--quiet']), /counting/);
  assert.doesNotMatch(inTerminal(body(work), ['--json']), /counting/);
});

interface Run {
  status: number | null;
  stdout: string;
  stderr: string;
}

function facet(...words: string[]): Run {
  return runNode([binary, ...words]);
}

/** The frame around commands made for a test: `commands` is the source of a group's table. */
function program(commands: string, words: string[]): Run {
  return runNode([...scriptOf(commands), ...words]);
}

/** The frame around one command `go`, of which `source` is the body. */
function running(source: string, words: string[] = []): Run {
  return program(body(source), ['go', ...words]);
}

function body(source: string): string {
  return `{ go: entry('goes', async () => ({ default: command({ async run(context) {
    const { output, signal, warn, note } = context; void [output, signal, warn, note];
    ${source}
  } }) })) }`;
}

function scriptOf(commands: string): string[] {
  const script = `
    import { main } from ${moduleUrl('commands/main.js')};
    import * as kinds from ${moduleUrl('commands/kinds.js')};
    import { FacetError } from ${moduleUrl('src/errors.js')};
    import { argument, argumentList, command, entry, flag, group, option, optionList } from ${moduleUrl('commands/command.js')};
    void main(group({ commands: ${commands} }), process.argv.slice(1));`;
  return ['--input-type=module', '-e', script, '--'];
}

function moduleUrl(path: string): string {
  return JSON.stringify(new URL(`../../${path}`, import.meta.url).href);
}

function runNode(words: string[]): Run {
  const { status, stdout, stderr } = spawnSync(process.execPath, words, {
    encoding: 'utf8',
    maxBuffer: 1e8,
    input: '',
  });
  return { status, stdout, stderr };
}

function ok(run: Run): Run {
  assert.equal(run.status, 0, run.stderr);
  return run;
}

function start(commands: string): ChildProcess {
  return spawn(process.execPath, [...scriptOf(commands), 'go'], { stdio: 'pipe' });
}

function streamOf<T>(stream: T | null): T {
  assert.ok(stream !== null);
  return stream;
}

/** The status is that of facet, not of the reader. */
function piped(commands: string, reader: string): Run {
  const line = `"$0" "$@" | ${reader}; exit "\${PIPESTATUS[0]}"`;
  const { status, stdout, stderr } = spawnSync(
    'bash',
    ['-c', line, process.execPath, ...scriptOf(commands), 'go'],
    {
      encoding: 'utf8',
    },
  );
  return { status, stdout, stderr };
}

/** All that a terminal is sent, by way of script(1), which gives the process a terminal of its own. */
function inTerminal(commands: string, words: string[] = []): string {
  const quoted = [process.execPath, ...scriptOf(commands), 'go', ...words].map(
    word => `'${word.replaceAll("'", "'\\''")}'`,
  );
  const { status, stdout } = spawnSync('script', ['-qec', quoted.join(' '), '/dev/null'], {
    encoding: 'utf8',
    input: '',
  });
  assert.equal(status, 0, stdout);
  return stdout;
}

function completeInBash(script: string, words: string[], cwd: string): string[] {
  const source = `${script}
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_facet
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', source, 'bash', ...words], {
    encoding: 'utf8',
    cwd,
  });
  assert.deepEqual([status, stderr], [0, '']);
  return stdout.split('\n').filter(line => line !== '');
}
