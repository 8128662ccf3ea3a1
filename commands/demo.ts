/** `facet demo`: the main job in a temporary folder, command by command, as a user would type it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FacetError } from '../src/errors.js';
import { type CommandContext, command, flag } from './command.js';

export default command({
  description:
    'Makes a few folders in a temporary place, indexes them, mounts the tree, compares it with the folders, changes a file and fetches one; shows each command and what it says. Everything is removed in the end.',
  options: { keep: flag('leave the folders for a look around') },
  async run(context, _, { keep }) {
    const folder = mkdtempSync(join(tmpdir(), 'facet-demo-'));
    try {
      makeFolders(folder);
      await new Demo(context, folder).run();
    } finally {
      if (keep) await context.output.text(`\nThe folders are in ${folder}`);
      else rmSync(folder, { recursive: true, force: true });
    }
  },
});

function makeFolders(folder: string): void {
  const files: Record<string, string> = {
    'Documents/letters/2024-03 landlord.txt': 'Dear Sir or Madam,\nthe tap drips.\n',
    'Documents/letters/2026-10 landlord.txt': 'Dear Sir or Madam,\nthe tap still drips.\n',
    'Documents/taxes/2025/return.txt': 'Income: enough.\n',
    'Pictures/2026/Lisbon/tram.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>\n',
    'Pictures/2026/Lisbon/Praça do Comércio.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>\n',
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  for (let at = 0; at < 2_000; at++) {
    const day = join(folder, 'Pictures', '2025', String(1 + (at % 12)).padStart(2, '0'));
    mkdirSync(day, { recursive: true });
    writeFileSync(join(day, `IMG_${1000 + at}.svg`), '<svg/>\n');
  }
  symlinkSync('2026', join(folder, 'Pictures', 'newest'));
  mkdirSync(join(folder, 'all'));
}

class Demo {
  readonly #context: CommandContext;
  readonly #folder: string;

  constructor(context: CommandContext, folder: string) {
    this.#context = context;
    this.#folder = folder;
  }

  async run(): Promise<void> {
    await this.#say('Two folders become sources of one catalog.');
    await this.#facet('index', 'add', 'docs', 'Documents');
    await this.#facet('index', 'add', 'pictures', 'Pictures');
    await this.#facet('index', 'scan', '--verbose');
    await this.#say('The tree is in the catalog: listing and searching touch no folder.');
    await this.#facet('index', 'ls', '/docs/letters');
    await this.#facet('index', 'search', 'landlord', '--json');
    await this.#say('Mounted, it is a folder like any other.');
    const mounted = await this.#mount();
    try {
      await this.#useMount();
    } finally {
      await this.#unmount(mounted);
    }
    await this.#say('Files can be fetched without a mount, too.');
    await this.#facet('fetch', '/docs/**/*.txt', '-o', 'fetched', '--verbose');
    await this.#shell('find', 'fetched', '-type', 'f');
  }

  async #useMount(): Promise<void> {
    await this.#shell('ls', '-l', 'all/docs/letters');
    await this.#shell('diff', '-r', 'Pictures', 'all/pictures');
    await this.#say('No difference. Now a letter is written to, at its own place:');
    appendFileSync(join(this.#folder, 'Documents', 'letters', '2026-10 landlord.txt'), 'It drips more.\n');
    await this.#shell('cat', 'all/docs/letters/2026-10 landlord.txt');
    await this.#say('The tree can only be read.');
    await this.#shell('touch', 'all/docs/new.txt');
  }

  #say(text: string): Promise<void> {
    return this.#context.output.text(`\n${text}`);
  }

  /** Runs a facet command; one that fails ends the demo. */
  async #facet(...args: string[]): Promise<void> {
    this.#context.signal.throwIfAborted();
    await this.#context.output.text(`$ facet ${args.map(quoted).join(' ')}`);
    const status = await this.#wait(this.#startFacet(args));
    this.#context.signal.throwIfAborted();
    if (status !== 0) throw new FacetError('failed', `facet ${args[0]} ended with status ${status}`);
  }

  /** Runs a program of the system; what it says of itself is part of the show. */
  async #shell(program: string, ...args: string[]): Promise<void> {
    this.#context.signal.throwIfAborted();
    await this.#context.output.text(`$ ${[program, ...args].map(quoted).join(' ')}`);
    await this.#wait(this.#start(program, args, {}));
  }

  /** Its first words say that the tree is mounted, or why it cannot be. */
  async #mount(): Promise<ChildProcess> {
    await this.#context.output.text('$ facet mount all &');
    const child = this.#startFacet(['mount', 'all', '--verbose'], 'pipe');
    const words = await Promise.race([firstWords(child), once(child, 'exit').then(() => '')]);
    process.stderr.write(words);
    child.stderr?.pipe(process.stderr);
    if (words.includes('mounted on')) return child;
    throw new FacetError('failed', 'the tree cannot be mounted here', {
      hint: 'it takes fuse3 and the right to open /dev/fuse: npm run demo sees to both where it may',
    });
  }

  async #unmount(mounted: ChildProcess): Promise<void> {
    await this.#context.output.text('$ kill -INT %1   # what Ctrl-C does');
    mounted.kill('SIGINT');
    await this.#wait(mounted);
  }

  #startFacet(args: string[], stderr: 'inherit' | 'pipe' = 'inherit'): ChildProcess {
    const binary = process.argv[1] ?? '';
    return this.#start(process.execPath, [binary, ...args], { stderr });
  }

  #start(
    program: string,
    args: string[],
    { stderr = 'inherit' }: { stderr?: 'inherit' | 'pipe' },
  ): ChildProcess {
    return spawn(program, args, {
      cwd: this.#folder,
      env: { ...process.env, FACET_HOME: join(this.#folder, 'home') },
      stdio: ['ignore', 'inherit', stderr],
    });
  }

  async #wait(child: ChildProcess): Promise<number | null> {
    if (child.exitCode === null) await once(child, 'exit');
    return child.exitCode;
  }
}

async function firstWords(child: ChildProcess): Promise<string> {
  const [words] = child.stderr ? await once(child.stderr, 'data') : [''];
  return String(words);
}

function quoted(word: string): string {
  return /^[\w./:=@+-]+$/.test(word) ? word : `'${word}'`;
}
