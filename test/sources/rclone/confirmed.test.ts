/** Bytes that are held back until a question is answered, and questions that are shared. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { confirmed, SharedQuestions } from '../../../src/sources/rclone/confirmed.js';

const KB = 1024;
const signal = new AbortController().signal;

async function* pieces(count: number, log: string[]): AsyncGenerator<Uint8Array> {
  for (let nth = 0; nth < count; nth++) {
    log.push('.');
    yield new Uint8Array(512 * KB);
  }
}

/** What happens in which order: a piece comes (.), a question (?), a piece is handed on (!). */
async function story(count: number, confirm = async () => {}): Promise<string> {
  const log: string[] = [];
  const ask = () => {
    log.push('?');
    return confirm();
  };
  for await (const { length } of confirmed(pieces(count, log), ask))
    log.push(length === 512 * KB ? '!' : 'x');
  return log.join('');
}

test('no piece is handed on before a question that was asked when it was there', async () => {
  assert.equal(await story(0), '');
  assert.equal(await story(1), '.?!');
  assert.equal(await story(2), '..?!!');
  assert.equal(await story(7), '..?!!....?!!!!.?!');
  const questions = (await story(2000)).split('?').map(part => part.split('!').at(-1)?.length);
  assert.ok(
    questions.every(length => (length ?? 0) <= 16),
    '8 MiB are held at most',
  );
});

test('nothing is handed on when the answer is no', async () => {
  const no = new Error('another version');
  await assert.rejects(
    story(5, () => Promise.reject(no)),
    no,
  );
});

/** Questions that are answered when they are told to be. */
function questions() {
  const asked: { about: string; answer: (answer: string) => void; fail: (error: Error) => void }[] = [];
  const shared = new SharedQuestions<string>(
    about => new Promise((answer, fail) => void asked.push({ about, answer, fail })),
  );
  return { asked, shared };
}

test('who asks while a question is under way shares the next one', async () => {
  const { asked, shared } = questions();
  const first = [shared.ask('a', signal), shared.ask('a', signal)];
  const other = shared.ask('b', signal);
  await setImmediate();
  const second = [shared.ask('a', signal), shared.ask('a', signal)];
  await setImmediate();
  assert.deepEqual(
    asked.map(({ about }) => about),
    ['a', 'b'],
  );
  asked[0]?.answer('one');
  assert.deepEqual(await Promise.all(first), ['one', 'one']);
  asked[1]?.answer('of b');
  assert.equal(await other, 'of b');
  await setImmediate();
  asked[2]?.answer('two');
  assert.deepEqual(await Promise.all(second), ['two', 'two']);
  assert.equal(asked.length, 3);
});

test('a question that fails, or that one of those who asked gives up, leaves the others theirs', async () => {
  const { asked, shared } = questions();
  const failing = shared.ask('a', signal);
  await setImmediate();
  const leaving = new AbortController();
  const given = shared.ask('a', leaving.signal);
  const kept = shared.ask('a', signal);
  asked[0]?.fail(new Error('no answer'));
  await assert.rejects(failing, /no answer/);
  leaving.abort(new Error('enough'));
  await assert.rejects(given, /enough/);
  await assert.rejects(shared.ask('a', leaving.signal), /enough/);
  await setImmediate();
  asked[1]?.answer('yes');
  assert.equal(await kept, 'yes');
});
