/** What `rclone lsjson` says of a remote. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { FacetError, type FacetErrorCode } from '../../errors.js';
import { safeName } from '../key-paths.js';
import { type Listed, OpenFolder } from '../open-folder.js';
import type { RemoteFolder } from '../remote.js';
import type { Unreadable } from '../source.js';
import { LOG_TIME, noRclone } from './daemon.js';

/** rclone's own status for a folder that is not there. */
const NO_SUCH_FOLDER = 3;
/** And that for what it does not go on after. */
const FATAL = 7;

/**
 * The folders of `remote:path`. rclone tells files in no order, so that a folder is known to be complete only at the end:
 * until then all of them are in memory, about 300 bytes a file.
 */
export async function* listRemote(
  remote: string,
  signal: AbortSignal,
): AsyncGenerator<RemoteFolder | Unreadable> {
  const folders = new Map<string, OpenFolder>();
  const unreadable: Unreadable[] = [];
  for await (const line of lines(remote, unreadable, signal)) {
    const item = parseItem(line);
    if (item !== undefined) enter(folders, item.path, item.file);
  }
  for (const [key, folder] of folders) {
    folders.delete(key);
    const complete = folder.complete();
    if (complete !== undefined) yield complete;
  }
  yield* unreadable;
}

function enter(folders: Map<string, OpenFolder>, path: string, file: Listed): void {
  let key = '';
  let folder = open(folders, key);
  for (const name of path.split('/').slice(0, -1)) {
    folder.addFolder(name);
    key += `${name}/`;
    folder = open(folders, key);
  }
  folder.addFile(path, file);
}

function open(folders: Map<string, OpenFolder>, key: string): OpenFolder {
  const folder = folders.get(key) ?? new OpenFolder(key);
  folders.set(key, folder);
  return folder;
}

/** What rclone prints. Adds to `unreadable` what it went past. */
async function* lines(remote: string, unreadable: Unreadable[], signal: AbortSignal): AsyncGenerator<string> {
  signal.throwIfAborted();
  // Without --hash: remotes that keep none would read every file from its first byte to its last.
  const args = ['lsjson', '--recursive', '--files-only', '--no-mimetype', '--use-json-log', '--', remote];
  const child = spawn('rclone', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const complaints = complaintsOf(child);
  const closed = once(child, 'close');
  closed.catch(() => {});
  const kill = () => child.kill();
  signal.addEventListener('abort', kill);
  try {
    yield* createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY });
    const [status] = await closed.catch(error => Promise.reject(noRclone(error)));
    signal.throwIfAborted();
    const { objects, last } = complaints;
    if (status !== 0 && !wentOn(status, objects)) throw listingError(remote, status, last);
    for (const { path, reason } of objects) {
      unreadable.push({ path: path.split('/').map(safeName).join('/'), reason });
    }
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
  }
}

interface Complaints {
  /** What rclone has an error to tell about; '' is what it was to list. */
  objects: Unreadable[];
  /** The last thing it said. */
  last: string;
}

/** Collects what rclone says besides the listing: a line of JSON each, but for the last one of older versions. */
function complaintsOf({ stderr }: ChildProcess): Complaints {
  const complaints: Complaints = { objects: [], last: '' };
  if (stderr === null) return complaints;
  createInterface({ input: stderr }).on('line', line => {
    const { level, msg, object } = parseJson(line);
    complaints.last = typeof msg === 'string' ? msg : line.replace(LOG_TIME, '');
    if (level !== 'error' || typeof object !== 'string') return;
    complaints.objects.push({ path: object, reason: complaints.last });
  });
  return complaints;
}

/** Folders that rclone cannot list it goes past, and says so at its end; what else is wrong ends it. */
function wentOn(status: number | null, objects: readonly Unreadable[]): boolean {
  const ended = status === null || status === FATAL;
  return !ended && objects.length > 0 && objects.every(({ path }) => path !== '');
}

/** As SSH, HTTP and FTP have it. */
const LOGIN_REFUSED = /unable to authenticate|\b401\b|unauthori[sz]ed|login incorrect/i;

function listingError(remote: string, status: number | null, said: string): FacetError {
  const [code, hint] = meaningOf(status, said);
  return new FacetError(code, `cannot list ${remote}: ${said}`, { path: remote, hint });
}

function meaningOf(status: number | null, said: string): [code: FacetErrorCode, hint: string] {
  if (status === NO_SUCH_FOLDER || said.includes("didn't find section in config file"))
    return ['not-found', 'see rclone listremotes and rclone lsd'];
  if (LOGIN_REFUSED.test(said))
    return ['denied', 'check the user and the password of the remote: rclone config'];
  return [/permission denied/i.test(said) ? 'denied' : 'unreachable', 'try rclone lsd with it'];
}

/** One line of the array that rclone prints; undefined for its brackets. Throws `failed` for what is no item of it. */
function parseItem(line: string): { path: string; file: Listed } | undefined {
  if (/^\s*[[\]]?\s*$/.test(line)) return undefined;
  const item = parseJson(line.replace(/,\s*$/, ''));
  const file = attributesOf(item);
  if (file === undefined || typeof item.Path !== 'string') {
    throw new FacetError('failed', `rclone says what is not understood: ${line.slice(0, 100)}`);
  }
  return file.size < 0 ? undefined : { path: item.Path, file };
}

function parseJson(text: string): Record<string, unknown> {
  try {
    return { ...JSON.parse(text) };
  } catch {
    return {};
  }
}

/** A version is its time: nothing else of it comes with the bytes. Documents that rclone would have to convert have size -1. */
export function attributesOf(item: Record<string, unknown>): Listed | undefined {
  const { Size: size, ModTime: time } = item;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || typeof time !== 'string') return undefined;
  // Not every server of WebDAV tells times.
  const mtimeUs = time === '' ? 0 : parseTimeUs(time);
  return Number.isNaN(mtimeUs) ? undefined : { size, mtimeUs, version: String(mtimeUs) };
}

/** RFC 3339 with as many decimals as the remote has. */
function parseTimeUs(time: string): number {
  const match = /^(.*:\d\d)(?:\.(\d+))?([Z+-].*)$/.exec(time);
  const micros = Number((match?.[2] ?? '').padEnd(6, '0').slice(0, 6));
  return Date.parse(`${match?.[1]}${match?.[3]}`) * 1000 + micros;
}
