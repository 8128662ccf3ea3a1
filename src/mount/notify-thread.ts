/**
 * Tells the kernel what it must forget when the catalog changed, whichever process changed it, and when an open file did.
 * A thread of its own, because the kernel may take such a message only after a read of the same file was answered.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { openDatabase } from '../catalog/database.js';
import { EntryType } from '../catalog/projector.js';
import { ROOT_INODE } from '../catalog/schema.js';
import { errorMessage, systemErrorCode } from '../errors.js';
import { encodeName } from '../sources/file-names.js';
import { Tree } from '../tree/tree.js';
import { type TreeChange, TreeChangeReader } from '../tree/tree-changes.js';
import { tagOf } from './attributes.js';
import { GrowthWatch } from './growth-watch.js';
import { encodeInvalidEntry, encodeInvalidInode, notify } from './kernel/notify.js';
import { OpenFileTable } from './open-file-table.js';

export interface NotifyThreadData {
  device: number;
  catalogFile: string;
  /** The last change that the mount knew when it began. */
  fromSeq: number;
  /** See `OpenFileTable`. */
  openFiles: SharedArrayBuffer;
  /** [0] is 1 once the thread is to stop. */
  stopFlag: Int32Array;
}

const POLL_MS = 50;
const PAUSE_AFTER_ERROR_MS = 1_000;

/** Changes told in one go; between two goes the thread looks whether it is to stop. */
const AT_ONCE = 10_000;

/** Told twice: an answer that was made before the change may reach the kernel after the first message. */
const TELL_AGAIN_MS = 100;

class Notifier {
  readonly #device: number;
  readonly #tree: Tree;
  readonly #changes: TreeChangeReader;
  #seq: number;
  /** What the kernel may know the root to have. */
  #rootNames: string[];

  constructor(device: number, tree: Tree, changes: TreeChangeReader, fromSeq: number) {
    this.#device = device;
    this.#tree = tree;
    this.#changes = changes;
    this.#seq = fromSeq;
    this.#rootNames = this.#namesInRoot();
  }

  /** Tells the kernel the next changes. Returns what has to be told again; undefined when there is nothing new. */
  next(): TreeChange[] | undefined {
    const changes = this.#changes.after(this.#seq, AT_ONCE) ?? this.#everything();
    const last = changes.at(-1);
    if (!last) return undefined;
    this.#seq = last.seq;
    if (changes.some(change => change.parent === ROOT_INODE)) this.#rootNames = this.#namesInRoot();
    this.tell(changes);
    return changes;
  }

  tell(changes: TreeChange[]): void {
    for (const parent of new Set(changes.map(change => change.parent))) {
      notify(this.#device, encodeInvalidInode(parent, 0));
    }
    for (const { parent, name } of changes) if (name !== null) this.#tellEntry(parent, name);
  }

  #tellEntry(parent: number, name: string): void {
    notify(this.#device, encodeInvalidEntry(parent, 0, encodeName(name)));
    const node = this.#tree.lookup(parent, name);
    // Contents that changed behind the same size and time have the same tag: their pages have to go.
    if (node?.type === EntryType.file) notify(this.#device, encodeInvalidInode(node.ino, tagOf(node)));
  }

  /** The changes are no longer all there: the kernel drops every directory that is, or was, below the root. */
  #everything(): TreeChange[] {
    const seq = this.#changes.lastSeq();
    const before = this.#rootNames;
    this.#rootNames = this.#namesInRoot();
    return [...new Set([...before, ...this.#rootNames])].map(name => ({ seq, parent: ROOT_INODE, name }));
  }

  #namesInRoot(): string[] {
    return [...this.#tree.entries(ROOT_INODE)].map(({ name }) => name);
  }
}

function watcher({ device, catalogFile, fromSeq, openFiles }: NotifyThreadData): () => Promise<void> {
  const db = openDatabase(catalogFile, 'read');
  const notifier = new Notifier(device, new Tree(db), new TreeChangeReader(db), fromSeq);
  const growth = new GrowthWatch(device, new OpenFileTable(openFiles));
  let version = -1;
  return async () => {
    growth.look();
    const current = Number(db.pragma('data_version', { simple: true }));
    const told = current === version ? undefined : notifier.next();
    if (told) {
      await wait(TELL_AGAIN_MS);
      notifier.tell(told);
    } else {
      version = current;
      await wait(POLL_MS);
    }
  };
}

async function run(data: NotifyThreadData): Promise<void> {
  const look = watcher(data);
  while (Atomics.load(data.stopFlag, 0) === 0) {
    try {
      await look();
    } catch (error) {
      // Unmounted: there is nobody left to tell. Anything else passes, and what was not told is told the next time.
      if (systemErrorCode(error) === 'ENODEV') return;
      parentPort?.postMessage(errorMessage(error));
      await wait(PAUSE_AFTER_ERROR_MS);
    }
  }
}

await run(workerData as NotifyThreadData);
