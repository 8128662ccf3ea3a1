/** Bytes that are held back until a question is answered, and questions that are shared. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { confirmed, SharedQuestions } from '../../../src/sources/rclone/confirmed.js';

const KB = 1024;
const noSignal = () => new AbortController().signal;

/** What happens in which order: a piece comes (.), a question (?), its answer (=), a piece is handed on (!). */
async function story(count: number, answer: () => Promise<unknown> = async () => {}): Promise<string> {
  let log = '';
  async function* pieces() {
    for (let nth = 0; nth < count; nth++) {
      log += '.';
      yield new Uint8Array(512 * KB);
    }
  }
  const confirm = async () => {
    log += '?';
    await answer();
    log += '=';
  };
  for await (const { length } of confirmed(pieces(), confirm)) log += length === 512 * KB ? '!' : 'x';
  return log;
}

/** Are pieces handed on in time: after the answer to a question that was asked when they were there? */
function assertConfirmed(told: string, count: number): void {
  const asked: number[] = [];
  let [here, confirmedPieces, handedOn] = [0, 0, 0];
  for (const event of told) {
    if (event === '.') here++;
    if (event === '?') asked.push(here);
    if (event === '=') confirmedPieces = asked.shift() ?? assert.fail(told);
    if (event === '!') handedOn++;
    assert.ok(handedOn <= confirmedPieces, told);
    assert.ok(here - handedOn <= 48, `24 MiB are held at most: ${told}`);
  }
  assert.equal(handedOn, count);
}

test('no piece is handed on before the answer to a question that was asked when it was there', async () => {
  const answers = [async () => {}, setImmediate, () => setTimeout(2)];
  for (const answer of answers) {
    for (const count of [0, 1, 2, 3, 7, 31, 500]) assertConfirmed(await story(count, answer), count);
  }
  assert.equal(await story(1), '.?=!');
});

test('more comes while an answer is waited for, and the reader has what was confirmed', async () => {
  let answers = 0;
  const told = await story(14, async () => {
    if (answers++ > 0) await setTimeout(50);
  });
  assert.match(told, /^\.\.\?\.?=\.?!!/);
  assert.match(told, /\?\.+\?/, 'a second question before the answer to the first');
});

test('nothing is handed on when the answer is no', async () => {
  const no = new Error('another version');
  const handedOn: Uint8Array[] = [];
  const refused = async () => {
    for await (const piece of confirmed(twoMiB(), () => Promise.reject(no))) handedOn.push(piece);
  };
  await assert.rejects(refused, no);
  assert.deepEqual(handedOn, []);
});

test('what came before an error is handed on, when it is confirmed', async () => {
  const cut = new Error('cut off');
  for (const count of [0, 1, 2, 5, 31]) {
    async function* pieces() {
      for (let nth = 0; nth < count; nth++) yield new Uint8Array(512 * KB);
      throw cut;
    }
    let handedOn = 0;
    const read = async () => {
      for await (const _ of confirmed(pieces(), async () => {})) handedOn++;
    };
    await assert.rejects(read, cut);
    assert.equal(handedOn, count);
  }
});

test('what is confirmed does not wait for what is to come next, and neither does who stops', async () => {
  async function* pieces() {
    yield new Uint8Array(1024 * KB);
    await new Promise(() => {});
  }
  for await (const { length } of confirmed(pieces(), async () => {})) {
    assert.equal(length, 1024 * KB);
    break;
  }
});

async function* twoMiB(): AsyncGenerator<Uint8Array> {
  for (let nth = 0; nth < 4; nth++) yield new Uint8Array(512 * KB);
}

/** Questions that are answered when they are told to be. */
function questions() {
  const asked: { about: string; answer: (answer: string) => void; fail: (error: Error) => void }[] = [];
  const shared = new SharedQuestions<string>(
    about => new Promise((answer, fail) => void asked.push({ about, answer, fail })),
  );
  return { asked, shared };
}

test('who asks while two questions are under way shares the next one', async () => {
  const { asked, shared } = questions();
  const wait = async () => {
    const answers = [shared.ask('a', noSignal()), shared.ask('a', noSignal())];
    await setImmediate();
    return Promise.all(answers);
  };
  const answers = [wait(), wait()];
  await setImmediate();
  answers.push(wait());
  const other = shared.ask('b', noSignal());
  await setImmediate();
  answers.push(wait(), wait());
  await setImmediate();
  const about = () => asked.map(each => each.about).join('');
  assert.equal(about(), 'aab');
  asked[2]?.answer('of b');
  assert.equal(await other, 'of b');
  asked[1]?.answer('two');
  await setImmediate();
  assert.equal(about(), 'aaba');
  asked[0]?.answer('one');
  asked[3]?.answer('three');
  assert.deepEqual(await Promise.all(answers), [
    ['one', 'one'],
    ['one', 'one'],
    ['two', 'two'],
    ['three', 'three'],
    ['three', 'three'],
  ]);
});

test('a question that fails, or that one of those who asked gives up, leaves the others theirs', async () => {
  const { asked, shared } = questions();
  const failing = shared.ask('a', noSignal());
  await setImmediate();
  const leaving = new AbortController();
  const given = shared.ask('a', leaving.signal);
  const kept = shared.ask('a', noSignal());
  asked[0]?.fail(new Error('no answer'));
  await assert.rejects(failing, /no answer/);
  leaving.abort(new Error('enough'));
  await assert.rejects(given, /enough/);
  await assert.rejects(shared.ask('a', leaving.signal), /enough/);
  await setImmediate();
  asked[1]?.answer('yes');
  assert.equal(await kept, 'yes');
});
