/** What is read ahead: enough for whoever reads on, and little for whoever does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Downloader } from '../../src/volume/download.js';
import type { Follower } from '../../src/volume/follower.js';
import { ReadAhead } from '../../src/volume/read-ahead.js';
import { seededPicks } from '../support/random.js';
import {
  MemoryStore,
  MIB,
  RemoteFake,
  remoteFile,
  type Script,
  settle,
  untilCommitted,
} from '../support/remote-fake.js';

const GIB = 1024 * MIB;
const READ = 128 * 1024;

function setUp(size: number, script?: Script) {
  const source = new RemoteFake(script, MIB);
  const cache = new MemoryStore({ forgetful: true });
  const downloader = new Downloader({ cache, onChanged: () => {} });
  const file = remoteFile(source, size);
  return { source, cache, downloader, file, follower: downloader.follow(file) };
}

type Opened = ReturnType<typeof setUp>;

/** Reads as a mount does: hits are answered elsewhere, and only one in a MiB is told. */
async function readThrough({ downloader, file, follower, cache }: Opened, start: number, length: number) {
  for (let at = start; at < Math.min(start + length, file.size); at += READ) {
    const isThere = cache.blocks.get(file.key)?.has(at - (at % MIB)) === true;
    const crosses = at % MIB < READ;
    const reading = isThere ? undefined : downloader.read(file, at, at + READ);
    if (!isThere || crosses) follower.onRead(at, READ);
    await reading;
  }
}

test('reading in order, ever more is read ahead, up to 64 MiB', () => {
  const ahead = new ReadAhead(10 * GIB);
  const windows = new Map<number, number>();
  for (let at = 0; at < 200 * MIB; at += READ) {
    const [window] = ahead.onRead(at, READ);
    windows.set((at + READ) / MIB, ((window?.end ?? at) - at - READ) / MIB);
  }
  for (const at of [1, 2, 4, 8, 16, 32]) assert.equal(windows.get(at), 2 * at);
  for (let at = 80; at < 200; at++) {
    const size = windows.get(at) ?? 0;
    assert.ok(size >= 64 && size <= 72, `${size} MiB at ${at} MiB`);
  }
});

test('one read in a MiB tells as much as all of them', () => {
  const [all, some] = [new ReadAhead(10 * GIB), new ReadAhead(10 * GIB)];
  for (let at = 0; at < 200 * MIB; at += READ) {
    const exact = all.onRead(at, READ);
    if (at % MIB !== 0) continue;
    const rough = some.onRead(at, READ);
    assert.ok(Math.abs((rough[0]?.end ?? 0) - (exact[0]?.end ?? 0)) <= MIB, `at ${at / MIB} MiB`);
  }
});

test('nothing is read ahead of random reads', async () => {
  const opened = setUp(10 * GIB);
  const pick = seededPicks(5);
  for (let each = 0; each < 300; each++) await readThrough(opened, 4096 * pick((10 * GIB) / 4096), 4096);
  await settle();
  // The first read may be one that goes on; each of the others has its block, or two.
  assert.ok(opened.source.sent <= 600 * MIB, `${opened.source.sent / MIB} MiB`);
  assert.ok(opened.source.requests.length <= 301);
  opened.follower.close();
});

test('skipping through a file costs little more than what is read', async () => {
  const opened = setUp(2 * GIB);
  for (let at = 0; at < GIB; at += 8 * MIB) await readThrough(opened, at, MIB);
  await settle();
  // The pieces that were expected to follow are among it.
  assert.ok(opened.source.sent <= 1.1 * 128 * MIB, `${opened.source.sent / MIB} MiB`);
  opened.follower.close();
});

test('pieces at equal distances are on their way before they are read, and only as many as were read', async () => {
  const opened = setUp(2 * GIB);
  const requested = () => new Set(opened.source.requests.map(({ start }) => start / MIB));
  for (let piece = 0; piece < 8; piece++) await readThrough(opened, piece * 16 * MIB + 5 * MIB, MIB);
  await settle();
  for (let piece = 8; piece < 14; piece++) assert.ok(requested().has(piece * 16 + 5), `piece ${piece}`);
  assert.ok(opened.source.sent <= 16 * MIB, `${opened.source.sent / MIB} MiB`);
  const before = opened.source.sent;
  await readThrough(opened, GIB + 777 * READ, READ);
  await settle();
  assert.ok(opened.source.sent <= before + MIB, 'another place ends it');
  opened.follower.close();
});

test('two places read by turns are both read ahead', () => {
  const ahead = new ReadAhead(10 * GIB);
  let windows = ahead.onRead(0, READ);
  for (let at = 0; at < 32 * MIB; at += MIB) {
    ahead.onRead(at, MIB);
    windows = ahead.onRead(5 * GIB + at, MIB);
  }
  assert.equal(windows.length, 2);
  const sizes = windows.map(({ start, end }) => end - start).sort((a, b) => a - b);
  assert.ok((sizes[0] ?? 0) >= 15 * MIB && (sizes[1] ?? 0) >= 60 * MIB, `${sizes}`);
});

test('a small jump goes on with what was, and a place that was left is not read ahead any more', () => {
  const ahead = new ReadAhead(10 * GIB);
  for (let at = 0; at < 128 * MIB; at += MIB) ahead.onRead(at, MIB);
  const [window] = ahead.onRead(140 * MIB, READ);
  assert.ok((window?.end ?? 0) >= 160 * MIB);
  for (let at = 0; at < 3 * MIB; at += READ) ahead.onRead(5 * GIB + at, READ);
  const windows = ahead.onRead(5 * GIB + 3 * MIB, READ);
  assert.deepEqual(
    windows.map(({ start }) => start >= 5 * GIB),
    [true],
  );
});

test('the end of the file ends what is read ahead', () => {
  const ahead = new ReadAhead(3 * MIB + 5);
  assert.deepEqual(ahead.onRead(2 * MIB, MIB), []);
  for (let at = 0; at < 2 * MIB; at += READ) ahead.onRead(at, READ);
  assert.equal(Math.max(...ahead.onRead(2 * MIB, READ).map(({ end }) => end)), 3 * MIB + 5);
});

for (const longest of [2, 4, 20]) {
  test(`200 random seeks like a player's, up to ${longest} MiB each, download at most twice what is read`, async () => {
    const opened = setUp(10 * GIB);
    const pick = seededPicks(longest);
    let read = 0;
    for (let seek = 0; seek < 200; seek++) {
      const length = MIB + READ * pick(((longest - 1) * MIB) / READ);
      await readThrough(opened, READ * pick((10 * GIB - length) / READ), length);
      read += length;
      // A fast network and a slow player: all that is read ahead arrives.
      await settle(100);
    }
    const { sent, doubled } = opened.source;
    assert.equal(doubled, 0);
    assert.ok(sent <= 2 * read, `${(sent / read).toFixed(2)} times`);
    opened.follower.close();
  });
}

test('reading in order keeps eight parts under way', async () => {
  const held: (() => void)[] = [];
  let slow = false;
  const script = () => (slow ? new Promise<void>(resolve => void held.push(resolve)) : undefined);
  const opened = setUp(GIB, script);
  await readThrough(opened, 0, 160 * MIB);
  slow = true;
  // From here on the reader is faster than the network: a chunk of each part comes in each round.
  const reading = readThrough(opened, 160 * MIB, 300 * MIB);
  for (let round = 0; round < 30; round++) {
    await settle();
    const parts = opened.source.underWay.filter(({ start, end }) => end - start === 8 * MIB);
    if (round >= 8) assert.ok(parts.length >= 8, `${parts.length} in round ${round}`);
    for (const go of held.splice(0)) go();
  }
  slow = false;
  for (const go of held.splice(0)) go();
  await reading;
  opened.follower.close();
});

test('what is read ahead ends with the handle, and what has come is kept', async () => {
  const opened = setUp(GIB);
  await readThrough(opened, 0, 64 * MIB);
  opened.follower.close();
  await untilCommitted(() => opened.cache.handles === 0);
  assert.equal(opened.source.underWay.length, 0);
  assert.ok((opened.cache.blocks.get(opened.file.key)?.size ?? 0) >= 64);
  assert.equal(opened.cache.handles, 0);
  assert.equal(opened.downloader.counts.bytesUnderWay, 0);
});

test('an error of what is read ahead concerns nobody until it is read', async () => {
  let broken = true;
  const opened = setUp(GIB, ({ start, sent }) => {
    if (broken && start + sent >= 20 * MIB) throw new Error('the cable was cut');
  });
  await readThrough(opened, 0, 20 * MIB);
  await assert.rejects(opened.downloader.read(opened.file, 20 * MIB, 21 * MIB), /cable/);
  broken = false;
  await readThrough(opened, 20 * MIB, 20 * MIB);
  closeQuietly(opened.follower);
});

function closeQuietly(follower: Follower): void {
  follower.close();
  follower.close();
}
