/** `facet index log`: the change log, and what is added to it. */
import { setTimeout as wait } from 'node:timers/promises';
import type { ChangeKind, ChangeLog, LoggedChange } from '../../src/catalog/changes.js';
import { sourcePath } from '../../src/catalog/files.js';
import { type CommandContext, command, flag, option } from '../command.js';
import { count } from '../kinds.js';
import { printable } from '../terminal.js';

interface Change {
  seq: number;
  /** ISO 8601. */
  at: string;
  kind: ChangeKind;
  /** The file's number; null of source and path: it has been forgotten since. */
  id: number;
  source: string | null;
  path: string | null;
  /** What else there is to say: of a renamed file, the path that it had. */
  detail: { from?: string } | null;
}

/** Changes that are read at once. */
const PAGE = 1_000;
const NEWEST = 100;
const LOOK_MS = 200;

export default command({
  description:
    'Prints what happened to files, in order. Each change has a number: whoever remembers the last one goes on from there. Paths are those that the files have now. The log keeps the last million changes; a warning says when some that were asked for are no longer kept.',
  options: {
    follow: flag('stay, and print what is added, until Ctrl-C'),
    since: option(
      count(),
      'SEQ',
      'begin after this change; when left out, with the newest hundred, or with what --follow waits for',
    ),
    limit: option(count(1), 'N', 'end after so many changes; without --since the newest ones'),
  },
  examples: [
    { command: 'facet index log', says: 'the last hundred changes' },
    {
      command: 'facet index log --since 4711 --follow --json',
      says: 'for a program that knows all up to 4711',
    },
  ],
  async run(context, _, options) {
    const [{ openDatabase }, { ChangeLog }] = await Promise.all([
      import('../../src/catalog/database.js'),
      import('../../src/catalog/changes.js'),
    ]);
    const db = openDatabase(context.home.catalogFile, 'read');
    try {
      const version = () => Number(db.pragma('data_version', { simple: true }));
      const reader = new Reader(context, new ChangeLog(db), options);
      if (!options.follow) await context.output.rows(reader.next(), toText);
      else await context.output.rows(reader.follow(version, stopOf(context)), toText);
    } finally {
      db.close();
    }
  },
});

interface LogOptions {
  follow: boolean;
  since: number | undefined;
  limit: number | undefined;
}

class Reader {
  readonly #context: CommandContext;
  readonly #log: ChangeLog;
  #seq: number;
  #left: number;
  /** Before the first change that was asked for, it does not matter what is kept. */
  #isExpected: boolean;

  constructor(context: CommandContext, log: ChangeLog, { follow, since, limit }: LogOptions) {
    this.#context = context;
    this.#log = log;
    const newest = follow ? 0 : (limit ?? NEWEST);
    this.#seq = since ?? Math.max(log.lastSeq() - newest, 0);
    this.#left = limit ?? Number.MAX_SAFE_INTEGER;
    this.#isExpected = since !== undefined;
  }

  /** The changes that there are and that were not read yet. */
  *next(): Generator<Change> {
    for (;;) {
      const page = this.#log.after(this.#seq, Math.min(PAGE, this.#left));
      const [first, last] = [page[0], page.at(-1)];
      if (!first || !last) return;
      if (this.#isExpected && first.seq > this.#seq + 1) this.#tellPruned(first.seq);
      this.#isExpected = true;
      this.#seq = last.seq;
      this.#left -= page.length;
      yield* page.map(shown);
    }
  }

  /** The same, and what comes, until `stop` fires or there were enough. */
  async *follow(version: () => number, stop: AbortSignal): AsyncGenerator<Change> {
    for (let seen = -1; this.#left > 0 && !stop.aborted; ) {
      const current = version();
      if (current !== seen) yield* this.next();
      seen = current;
      // Being stopped is how it ends well.
      await wait(LOOK_MS, undefined, { signal: stop }).catch(() => {});
    }
  }

  #tellPruned(first: number): void {
    this.#context.warn(
      `the changes from ${this.#seq + 1} to ${first - 1} are no longer kept`,
      'whoever follows the log has to look at all files again: facet index search --json',
    );
  }
}

/** Fires at the first signal, and when nobody reads any more. */
function stopOf({ onSignal, signal }: CommandContext): AbortSignal {
  const stop = new AbortController();
  onSignal(() => stop.abort());
  return AbortSignal.any([stop.signal, signal]);
}

function shown({ seq, at, kind, fileId: id, source, folderPath, name, detail }: LoggedChange): Change {
  const path = folderPath === null || name === null ? null : sourcePath({ folderPath, name });
  const more = detail === null ? null : JSON.parse(detail);
  return { seq, at: new Date(at).toISOString(), kind, id, source, path, detail: more };
}

function toText({ seq, at, kind, id, source, path, detail }: Change): string {
  const file = path === null ? `file ${id}, forgotten since` : `${source}:${printable(path)}`;
  const from = detail?.from === undefined ? '' : `  from ${printable(detail.from)}`;
  return `${seq}  ${at.slice(0, 19).replace('T', ' ')}  ${kind.padEnd(9)}  ${file}${from}`;
}
