/** What the command line of a benchmark says. Every benchmark takes the same options. */
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** Our own, which is not what is measured, or the S3 interface of OpenStack Swift. */
export type S3Server = 'quick' | 'swift';

export interface BenchOptions {
  /** Where trees, catalogs and mountpoints are made. */
  dir: string;
  /** How many files the large tree has; undefined: what the benchmark prefers. */
  files: number | undefined;
  /** How often each contender takes its turn; undefined: what the benchmark prefers. */
  rounds: number | undefined;
  /** How long to go on, of a benchmark that could do so forever; undefined: what it prefers. */
  seconds: number | undefined;
  /** A folder to use as the large tree, which is then only read. */
  tree: string | undefined;
  /** The size of the large file. */
  bigMiB: number;
  /** Leave everything in `dir` behind. */
  keep: boolean;
  /** Which chapters, of a benchmark that has some; none means all. */
  only: string[];
  /** Milliseconds of the lines to measure, of a benchmark that has some; none means all. */
  delaysMs: number[];
  /** The S3 server of bench:remote. */
  server: S3Server;
  installPeers: boolean;
}

const USAGE = `Options:
  --dir DIR         make trees, catalogs and mounts below DIR (default: the system's temporary folder)
  --files N         number of files in the large tree
  --tree DIR        use DIR as the large tree; it is only read
  --big MIB         size of the large file (default: 1024)
  --rounds N        how often each contender takes its turn
  --seconds N       how long npm run soak goes on (default: 600)
  --only CHAPTER    only this part of bench:remote; may be repeated
  --delay MS        only so far away, in bench:remote; may be repeated
  --server quick|swift
                    which S3 server bench:remote asks: our own (default), or OpenStack Swift, for --only list
  --keep            leave trees and catalogs behind
  --install-peers   first install bindfs, rclone and s3fs with apt-get (Debian, as root)
  --help            show this`;

/** Reads the command line; undefined when it asked for help, which is then printed. Throws on what makes no sense. */
export function readOptions(title: string, argv: readonly string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      dir: { type: 'string', default: tmpdir() },
      files: { type: 'string' },
      tree: { type: 'string' },
      big: { type: 'string', default: '1024' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
      delay: { type: 'string', multiple: true, default: [] },
      server: { type: 'string', default: 'quick' },
      keep: { type: 'boolean', default: false },
      'install-peers': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(`${title}\n\n${USAGE}`);
    return undefined;
  }
  return {
    dir: resolve(values.dir),
    files: optional('--files', values.files),
    rounds: optional('--rounds', values.rounds),
    seconds: optional('--seconds', values.seconds),
    tree: values.tree === undefined ? undefined : resolve(values.tree),
    bigMiB: positive('--big', values.big),
    only: values.only,
    delaysMs: values.delay.map(delay => wholeNumber('--delay', delay, 0)),
    server: s3Server(values.server),
    keep: values.keep,
    installPeers: values['install-peers'],
  };
}

function s3Server(text: string): S3Server {
  if (text === 'quick' || text === 'swift') return text;
  throw new Error(`--server: expected quick or swift, found '${text}'`);
}

function optional(option: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : positive(option, text);
}

function positive(option: string, text: string): number {
  return wholeNumber(option, text, 1);
}

function wholeNumber(option: string, text: string, least: number): number {
  if (/^\d{1,10}$/.test(text) && Number(text) >= least) return Number(text);
  throw new Error(`${option}: expected a whole number from ${least} on, found '${text}'`);
}
