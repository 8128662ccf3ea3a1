/** What every kind of remote source must do, as src/sources/remote.ts says it. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { FacetError, type FacetErrorCode } from '../../src/errors.js';
import type {
  RangeRequest,
  RemoteFile,
  RemoteFolder,
  RemotePlace,
  RemoteSource,
} from '../../src/sources/remote.js';

/** A place that a source can be opened on, and files put into by other means. */
export interface Served {
  open(): Promise<RemoteSource>;
  put(path: string, contents: string | Buffer): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes that folder one that nobody may list, where a server can have such. */
  deny?: (path: string) => void;
}

export interface Kind {
  name: string;
  /** An empty place that lives as long as the test. */
  serve(context: import('node:test').TestContext): Promise<Served>;
  /** Paths that are legal there. */
  oddPaths: readonly string[];
}

const noSignal = () => new AbortController().signal;

/** The folders of a source, of which these and no others are unreadable. */
export async function listed(
  source: Pick<RemoteSource, 'folders'>,
  unreadable: readonly string[] = [],
): Promise<RemoteFolder[]> {
  const folders: RemoteFolder[] = [];
  const missing = new Set<string>();
  for await (const told of source.folders(noSignal())) {
    if ('files' in told) folders.push(told);
    else missing.add(told.path);
  }
  assert.deepEqual([...missing].sort(), [...unreadable].sort(), 'what cannot be listed');
  const paths = folders.map(folder => folder.path);
  assert.deepEqual(paths, [...new Set(paths)], 'no folder is told twice');
  for (const { path, files } of folders) {
    assert.ok(files.length > 0, `${path} has files`);
    assert.equal(new Set(files.map(file => file.name)).size, files.length, `names in ${path}`);
  }
  return folders;
}

export type Found = RemoteFile & { path: string };

export async function filesOf(
  source: RemoteSource,
  unreadable: readonly string[] = [],
): Promise<Map<string, Found>> {
  const all = (await listed(source, unreadable)).flatMap(({ path, files }) =>
    files.map(file => ({ ...file, path: path === '' ? file.name : `${path}/${file.name}` })),
  );
  return new Map(all.map(file => [file.path, file]));
}

export async function readBytes(
  source: RemoteSource,
  file: RemotePlace & Pick<RangeRequest, 'size' | 'version'>,
  part: Partial<RangeRequest> = {},
): Promise<Buffer> {
  const { path, key, size, version } = file;
  const request = { start: 0, end: size, size, version, signal: noSignal(), ...part };
  const pieces: Uint8Array[] = [];
  for await (const piece of source.read({ path, key }, request)) pieces.push(piece);
  return Buffer.concat(pieces);
}

export function fails(code: FacetErrorCode, message?: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof FacetError, String(error));
    assert.equal(error.code, code, error.message);
    if (message !== undefined) assert.match(`${error.message}; ${error.hint}`, message);
    return true;
  };
}

/** Bytes that are not the same anywhere. */
export function noise(bytes: number): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at * 32 < bytes; at++) pieces.push(createHash('sha256').update(String(at)).digest());
  return Buffer.concat(pieces).subarray(0, bytes);
}

/** In pieces of odd sizes. */
async function* inChunks(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0, size = 1; at < bytes.length; at += size, size = ((size * 7) % 300_007) + 1) {
    yield bytes.subarray(at, at + size);
  }
}

export function testRemoteSource({ name, serve, oddPaths }: Kind): void {
  const suite = (what: string, body: (served: Served, source: RemoteSource) => Promise<void>) =>
    test(`${name}: ${what}`, { timeout: 120_000 }, async context => {
      const served = await serve(context);
      const source = await served.open();
      context.after(() => source.close());
      await body(served, source);
    });
  const at = (files: Map<string, Found>, path: string) => {
    const file = files.get(path);
    assert.ok(file, `${path} is listed`);
    return file;
  };

  suite('lists what is there', async (served, source) => {
    for (const path of ['a', 'b/c', 'b/d/e', 'b/d/f', 'b.txt']) await served.put(path, path);
    const folders = await listed(source);
    const names = folders.map(({ path, files }) => [path, files.map(file => file.name).sort()] as const);
    assert.deepEqual(
      names.sort(([one], [other]) => (one < other ? -1 : 1)),
      [
        ['', ['a', 'b.txt']],
        ['b', ['c']],
        ['b/d', ['e', 'f']],
      ],
    );
    const file = at(await filesOf(source), 'b/d/e');
    assert.equal(file.size, 5);
    assert.ok(
      Math.abs(file.mtimeUs / 1000 - Date.now()) < 120_000,
      `the time ${new Date(file.mtimeUs / 1000)}`,
    );
  });

  suite('lists nothing where nothing is', async (_served, source) => {
    assert.deepEqual(await listed(source), []);
  });

  suite('lists the rest where a folder cannot be listed, and fails where it is the root', async (served, source) => {
    if (served.deny === undefined) return;
    for (const path of ['a', 'b/c', 'b/d/e', 'b/d/f/g', 'b.txt', 'h/i']) await served.put(path, path);
    served.deny('b/d');
    const files = await filesOf(source, ['b/d']);
    assert.deepEqual([...files.keys()].sort(), ['a', 'b.txt', 'b/c', 'h/i']);
    served.deny('');
    await assert.rejects(listed(source), fails('denied'));
  });

  suite('has what is put into it, whole or not at all', async (_served, source) => {
    const put = source.put?.bind(source);
    if (put === undefined) return;
    const signal = noSignal();
    for (const [path, size] of Object.entries({ empty: 0, 'a/small': 1000, 'a/lär ge': 20_000_001 })) {
      const contents = randomBytes(size);
      const version = await put({ path, key: undefined }, inChunks(contents), { size, signal });
      const file = at(await filesOf(source), path);
      assert.deepEqual([file.size, file.version], [size, version]);
      assert.ok((await readBytes(source, file)).equals(contents), path);
    }
    const before = at(await filesOf(source), 'a/small');
    for (const [path, size] of [
      ['a/small', 999],
      ['a/small', 1001],
      ['new', 17_000_000],
    ] as const) {
      const body = inChunks(randomBytes(path === 'new' ? size - 1 : 1000));
      await assert.rejects(put({ path, key: undefined }, body, { size, signal }), fails('failed', /as long/));
    }
    const after = await filesOf(source);
    assert.deepEqual([at(after, 'a/small'), after.has('new')], [before, false]);
  });

  suite('can be listed by several at once', async (served, source) => {
    for (const path of ['a', 'b/c', 'd/e']) await served.put(path, path);
    const all = await Promise.all([filesOf(source), filesOf(source), filesOf(source)]);
    for (const files of all) assert.deepEqual([...files.keys()].sort(), ['a', 'b/c', 'd/e']);
  });

  suite('reads names of any kind', async (served, source) => {
    for (const path of oddPaths) await served.put(path, `<${path}>`);
    const files = await filesOf(source);
    const contents = await Promise.all(
      [...files.values()].map(async file => {
        const { name: _name, key: _key, path: _path, ...stat } = file;
        assert.deepEqual(await source.stat(file, noSignal()), stat, file.path);
        return String(await readBytes(source, file));
      }),
    );
    assert.deepEqual(contents.sort(), oddPaths.map(path => `<${path}>`).sort());
    for (const path of files.keys()) {
      for (const segment of path.split('/')) assert.ok(!['', '.', '..'].includes(segment), path);
      assert.doesNotMatch(path, /\0/);
    }
  });

  suite('reads ranges', async (served, source) => {
    const contents = noise(300_000);
    await served.put('folder/file', contents);
    const file = at(await filesOf(source), 'folder/file');
    assert.deepEqual(await readBytes(source, file), contents);
    for (const [start, end] of [
      [0, 1],
      [0, 300_000],
      [1, 300_000],
      [299_999, 300_000],
      [100_000, 200_001],
    ] as const) {
      assert.deepEqual(await readBytes(source, file, { start, end }), contents.subarray(start, end));
    }
    assert.deepEqual(
      await readBytes(source, file, { version: undefined, start: 9, end: 99 }),
      contents.subarray(9, 99),
    );
  });

  suite('reads many ranges at once', async (served, source) => {
    const contents = noise(500_000);
    await served.put('file', contents);
    const file = at(await filesOf(source), 'file');
    const starts = Array.from({ length: 50 }, (_, index) => index * 10_000);
    const parts = await Promise.all(
      starts.map(start => readBytes(source, file, { start, end: start + 10_000 })),
    );
    assert.deepEqual(Buffer.concat(parts), contents);
  });

  suite('reads an empty file, and an empty part', async (served, source) => {
    await served.put('empty', '');
    await served.put('full', 'full');
    const files = await filesOf(source);
    assert.equal(at(files, 'empty').size, 0);
    assert.equal((await readBytes(source, at(files, 'empty'))).length, 0);
    assert.equal((await readBytes(source, at(files, 'full'), { start: 2, end: 2 })).length, 0);
  });

  suite('refuses what is behind the end', async (served, source) => {
    await served.put('file', 'four');
    const file = at(await filesOf(source), 'file');
    await assert.rejects(readBytes(source, file, { end: 5 }), fails('failed'));
    await assert.rejects(readBytes(source, file, { start: 3, end: 2 }), fails('failed'));
    await assert.rejects(
      readBytes(source, { ...file, size: 9 }, { start: 3, end: 9 }),
      fails('content-changed'),
    );
    await assert.rejects(
      readBytes(source, { ...file, size: 9 }, { start: 6, end: 9 }),
      fails('content-changed'),
    );
  });

  suite('tells when a file is another one', async (served, source) => {
    await served.put('file', 'the first one');
    const before = at(await filesOf(source), 'file');
    await served.put('file', 'another, which is longer');
    await assert.rejects(readBytes(source, before), fails('content-changed'));
    await assert.rejects(readBytes(source, before, { start: 1, end: 3 }), fails('content-changed'));
    const now = await source.stat(before, noSignal());
    assert.ok(now);
    assert.equal(now.size, 24);
    assert.equal(String(await readBytes(source, { ...before, ...now })), 'another, which is longer');
    assert.deepEqual(at(await filesOf(source), 'file').version, now.version);
  });

  suite('tells between two parts that a file as long took its place', async (served, source) => {
    const [contents, others] = [Buffer.alloc(3_000_000, 'a'), Buffer.alloc(3_000_000, 'b')];
    await served.put('file', contents);
    const before = at(await filesOf(source), 'file');
    assert.deepEqual(await readBytes(source, before, { start: 9, end: 99 }), contents.subarray(9, 99));
    // Web servers tell times by the second.
    await setTimeout(1100);
    await served.put('file', others);
    await assert.rejects(readBytes(source, before), fails('content-changed', /facet index scan/));
    for (const start of [9, 2_000_000]) {
      await assert.rejects(readBytes(source, before, { start, end: start + 9 }), fails('content-changed'));
    }
    const now = await source.stat(before, noSignal());
    assert.deepEqual(await readBytes(source, { ...before, ...now }), others);
  });

  suite('tells when a file is gone', async (served, source) => {
    await served.put('file', 'contents');
    await served.put('empty', '');
    const files = await filesOf(source);
    await served.remove('file');
    await served.remove('empty');
    assert.equal(await source.stat(at(files, 'file'), noSignal()), undefined);
    await assert.rejects(readBytes(source, at(files, 'file')), fails('not-found'));
    await assert.rejects(readBytes(source, at(files, 'file'), { start: 1, end: 2 }), fails('not-found'));
    await assert.rejects(readBytes(source, at(files, 'empty')), fails('not-found'));
  });

  suite('ends when it is told to', async (served, source) => {
    await served.put('file', noise(3_000_000));
    const file = at(await filesOf(source), 'file');
    const reason = new Error('enough');
    await assert.rejects(readBytes(source, file, { signal: AbortSignal.abort(reason) }), reason);
    await assert.rejects(source.stat(file, AbortSignal.abort(reason)), reason);
    await assert.rejects(source.folders(AbortSignal.abort(reason))[Symbol.asyncIterator]().next(), reason);
    const ending = new AbortController();
    await assert.rejects(async () => {
      const request = {
        start: 0,
        end: file.size,
        size: file.size,
        version: file.version,
        signal: ending.signal,
      };
      for await (const piece of source.read(file, request))
        ending.abort(piece.length > 0 ? reason : undefined);
    }, reason);
  });

  suite('frees the connection of a read that nobody goes on with', async (served, source) => {
    const contents = noise(2_000_000);
    await served.put('file', contents);
    const file = at(await filesOf(source), 'file');
    const request = { start: 0, end: file.size, size: file.size, version: file.version, signal: noSignal() };
    for (let round = 0; round < 150; round++) {
      for await (const piece of source.read(file, request)) if (piece.length > 0) break;
    }
    assert.deepEqual(await readBytes(source, file), contents);
  });

  suite('ends with what is under way', async (served, source) => {
    await served.put('file', Buffer.alloc(30_000_000));
    const file = at(await filesOf(source), 'file');
    await assert.rejects(async () => {
      const request = {
        start: 0,
        end: file.size,
        size: file.size,
        version: file.version,
        signal: noSignal(),
      };
      for await (const piece of source.read(file, request)) if (piece.length > 0) await source.close();
    });
  });
}
