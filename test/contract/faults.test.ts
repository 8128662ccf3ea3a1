/** Servers that fail in every way that servers do: never a wrong byte, a bounded number of attempts, a clear error. */
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import type { FacetErrorCode } from '../../src/errors.js';
import { openRemote } from '../../src/sources/open-remote.js';
import type { RemoteSource } from '../../src/sources/remote.js';
import type { Failed } from '../../src/sources/retry.js';
import { startServer } from '../support/file-server.js';
import { fails, filesOf, noise, readBytes } from './remote-source.js';

const CONTENTS = noise(400_000);
const TAG = '"the-tag"';
const START = 100_000;
const END = 300_000;
const ATTEMPTS = 3;
const IDLE_MS = 300;

const timeouts = { connectMs: 1000, idleMs: IDLE_MS, firstIdleMs: IDLE_MS / 2 };

interface Faulty {
  source: RemoteSource;
  /** Of requests for a part of the file. */
  ranges: string[];
  retries: Failed[];
}

/** Spoils an answer to a request for the bytes from `start` to `end`; returns false to have it answered well. */
type Fault = (response: ServerResponse, start: number, end: number, nth: number) => boolean | undefined;

const kinds = ['s3', 'http'] as const;

async function faulty(context: TestContext, kind: (typeof kinds)[number], fault: Fault): Promise<Faulty> {
  const ranges: string[] = [];
  const retries: Failed[] = [];
  const { url } = await startServer(context, (request, response) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    if (from === undefined) return answer(request, response, 0, CONTENTS.length);
    ranges.push(request.headers.range ?? '');
    const [start, end] = [Number(from), Number(to) + 1];
    if (fault(response, start, end, ranges.length) === false) answer(request, response, start, end);
  });
  const retry = {
    attempts: ATTEMPTS,
    firstWaitMs: 1,
    longestWaitMs: 20,
    onRetry: (failed: Failed) => void retries.push(failed),
  };
  const source =
    kind === 's3'
      ? await openRemote('s3://bucket', { endpoint: url, anonymous: true }, { retry, timeouts })
      : await openRemote(`${url}/bucket/`, {}, { retry, timeouts });
  context.after(() => source.close());
  return { source, ranges, retries };
}

function answer(request: IncomingMessage, response: ServerResponse, start: number, end: number): void {
  head(response, start, end);
  response.end(request.method === 'HEAD' ? undefined : CONTENTS.subarray(start, end));
}

function head(
  response: ServerResponse,
  start: number,
  end: number,
  changes: Record<string, string | number> = {},
): void {
  response.writeHead(206, {
    etag: TAG,
    'last-modified': 'Wed, 01 May 2024 10:00:00 GMT',
    'content-range': `bytes ${start}-${end - 1}/${CONTENTS.length}`,
    'content-length': end - start,
    ...changes,
  });
}

const read = (source: RemoteSource, part = { start: START, end: END }) =>
  readBytes(source, { path: 'file', key: undefined, size: CONTENTS.length, version: TAG }, part);

const says =
  (status: number, headers: Record<string, string> = {}, body = '') =>
  (response: ServerResponse) =>
    void response.writeHead(status, headers).end(body);

const slowDown =
  '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your rate</Message></Error>';

/** What may be over in a moment: tried again, and then an error. */
const transient: Readonly<Record<string, Fault>> = {
  '500': says(500),
  '503 SlowDown': says(503, { 'retry-after': '0' }, slowDown),
  '429': says(429),
  'a reset': response => void response.socket?.resetAndDestroy(),
  'a reset in the middle': (response, start, end) => {
    head(response, start, end);
    response.write(CONTENTS.subarray(start, start + 1000), () => response.socket?.resetAndDestroy());
  },
  'an answer that is cut off': (response, start, end) => {
    head(response, start, end);
    response.write(CONTENTS.subarray(start, start + 1000), () => response.socket?.end());
  },
  'an answer that stops': (response, start, end) => {
    head(response, start, end);
    response.write(CONTENTS.subarray(start, start + 1000));
  },
  'an answer that stops before its first byte': (response, start, end) => {
    head(response, start, end);
    response.flushHeaders();
  },
  'no answer': () => {},
};

const hanging = ['an answer that stops', 'an answer that stops before its first byte', 'no answer'];

/** A server that finished no answer for as long as one may take is not asked again. */
const attemptsAt = (what: string) => (hanging.includes(what) ? 2 : ATTEMPTS);

/** What another attempt would not mend. */
const final: Readonly<Record<string, [Fault, FacetErrorCode]>> = {
  'another tag': [
    (response, start, end) => {
      head(response, start, end, { etag: '"another"' });
      response.end(CONTENTS.subarray(start, end));
    },
    'content-changed',
  ],
  'no tag': [
    (response, start, end) => {
      response.writeHead(206, { 'content-range': `bytes ${start}-${end - 1}/${CONTENTS.length}` });
      response.end(CONTENTS.subarray(start, end));
    },
    'content-changed',
  ],
  'another size': [
    (response, start, end) => {
      head(response, start, end, { 'content-range': `bytes ${start}-${end - 1}/9999999` });
      response.end(CONTENTS.subarray(start, end));
    },
    'content-changed',
  ],
  '206 with another range': [
    (response, start, end) => {
      head(response, start + 1, end + 1);
      response.end(CONTENTS.subarray(start + 1, end + 1));
    },
    'failed',
  ],
  '206 with a shorter range': [
    (response, start, end) => {
      head(response, start, end - 1);
      response.end(CONTENTS.subarray(start, end - 1));
    },
    'failed',
  ],
  '206 without a range': [
    (response, start, end) => {
      response.writeHead(206, { etag: TAG }).end(CONTENTS.subarray(start, end));
    },
    'failed',
  ],
  'too many bytes': [
    (response, start, end) => {
      head(response, start, end, { 'content-length': end - start + 10 });
      response.end(CONTENTS.subarray(start, end + 10));
    },
    'failed',
  ],
  '412': [says(412), 'content-changed'],
  '404': [says(404), 'not-found'],
  '403': [says(403), 'denied'],
  '400': [says(400), 'failed'],
  'a redirect to itself': [says(302, { location: '/bucket/file' }), 'failed'],
  'a redirect to nowhere': [says(302), 'failed'],
};

for (const kind of kinds) {
  for (const [what, fault] of Object.entries(transient)) {
    test(`${kind}: ${what}, again and again`, async context => {
      const { source, ranges, retries } = await faulty(context, kind, fault);
      await assert.rejects(read(source), fails('unreachable', /./));
      assert.equal(ranges.length, attemptsAt(what));
      assert.deepEqual(
        retries.map(retry => retry.attempt),
        Array.from({ length: attemptsAt(what) - 1 }, (_, nth) => nth + 1),
      );
    });

    test(`${kind}: ${what}, once`, async context => {
      const { source, ranges } = await faulty(context, kind, (response, start, end, nth) =>
        nth === 1 ? fault(response, start, end, nth) : false,
      );
      assert.ok((await read(source)).equals(CONTENTS.subarray(START, END)));
      assert.equal(ranges.length, 2);
      assert.match(ranges[1] ?? '', /^bytes=10[01]000-299999$/);
    });
  }

  for (const [what, [fault, code]] of Object.entries(final)) {
    test(`${kind}: ${what}`, async context => {
      const { source, ranges } = await faulty(context, kind, fault);
      await assert.rejects(read(source), fails(code));
      assert.ok(ranges.length <= 6, `${ranges.length} requests`);
    });
  }

  test(`${kind}: another version after a reset`, async context => {
    const { source } = await faulty(context, kind, (response, start, end, nth) => {
      head(response, start, end, nth === 1 ? {} : { etag: '"another"' });
      if (nth > 1) response.end(CONTENTS.subarray(start, end));
      else response.write(CONTENTS.subarray(start, start + 1000), () => response.socket?.resetAndDestroy());
    });
    await assert.rejects(read(source), fails('content-changed'));
  });

  test(`${kind}: an answer a few bytes at a time is an answer`, async context => {
    const { source } = await faulty(context, kind, (response, start, end) => {
      head(response, start, end);
      let at = start;
      const drip = setInterval(() => {
        response.write(CONTENTS.subarray(at, Math.min(end, at + 20)));
        at += 20;
        if (at >= end) response.end(() => clearInterval(drip));
        if (at >= end) clearInterval(drip);
      }, 50);
      context.after(() => clearInterval(drip));
    });
    const part = { start: START, end: START + 200 };
    assert.ok((await read(source, part)).equals(CONTENTS.subarray(part.start, part.end)));
  });

  test(`${kind}: a reader who takes longer than the server may`, async context => {
    const { source } = await faulty(context, kind, () => false);
    const request = {
      start: 1,
      end: CONTENTS.length,
      size: CONTENTS.length,
      version: TAG,
      signal: new AbortController().signal,
    };
    const pieces: Uint8Array[] = [];
    for await (const piece of source.read({ path: 'file', key: undefined }, request)) {
      pieces.push(piece);
      if (pieces.length < 3) await new Promise(resolve => setTimeout(resolve, 2 * IDLE_MS));
    }
    assert.ok(Buffer.concat(pieces).equals(CONTENTS.subarray(1)));
  });
}

test('a server that takes longer than is waited for at first', async context => {
  const { url } = await startServer(context, (request, response) => {
    requests++;
    setTimeout(() => answer(request, response, START, END), 2000);
  });
  let requests = 0;
  const retry = { attempts: 3, firstWaitMs: 1, longestWaitMs: 1 };
  const source = await openRemote(`${url}/`, {}, { retry, timeouts: { ...timeouts, idleMs: 20_000 } });
  context.after(() => source.close());
  assert.ok((await read(source)).equals(CONTENTS.subarray(START, END)));
  assert.equal(requests, 2);
  assert.ok((await read(source)).equals(CONTENTS.subarray(START, END)));
  assert.equal(requests, 3, 'it is known from then on');
});

for (const kind of kinds) {
  test(`${kind}: what is lost now and then is asked for again, though an answer was slow before`, async context => {
    const lost = [1, 3, 5, 6];
    const { source, ranges } = await faulty(context, kind, (_response, _start, _end, nth) =>
      lost.includes(nth) ? undefined : false,
    );
    for (const requests of [2, 4]) {
      assert.ok((await read(source)).equals(CONTENTS.subarray(START, END)));
      assert.equal(ranges.length, requests);
    }
    await assert.rejects(read(source), fails('unreachable', /does not answer/));
    assert.equal(ranges.length, 6, 'silence after silence is the end of it');
    assert.ok((await read(source)).equals(CONTENTS.subarray(START, END)));
  });
}

test('s3: 200 instead of 206', async context => {
  const { source } = await faulty(context, 's3', response => {
    response.writeHead(200, { etag: TAG, 'content-length': CONTENTS.length }).end(CONTENTS);
  });
  await assert.rejects(read(source), fails('failed'));
  assert.ok((await read(source, { start: 0, end: CONTENTS.length })).equals(CONTENTS));
});

test('http: 200 instead of 206 is read from its beginning', async context => {
  const { source } = await faulty(context, 'http', response => {
    response.writeHead(200, { etag: TAG, 'content-length': CONTENTS.length }).end(CONTENTS);
  });
  assert.ok((await read(source)).equals(CONTENTS.subarray(START, END)));
});

test('nobody is there', async () => {
  const retry = { attempts: 2, firstWaitMs: 1, longestWaitMs: 1 };
  for (const source of [
    await openRemote('s3://bucket', { endpoint: 'http://127.0.0.1:1', anonymous: true }, { retry }),
    await openRemote('http://127.0.0.1:1/', {}, { retry }),
  ]) {
    await assert.rejects(filesOf(source), fails('unreachable', /refused/));
    await assert.rejects(read(source), fails('unreachable', /refused/));
    await source.close();
  }
});

const page = (key: string, rest = '<IsTruncated>false</IsTruncated>') =>
  `<?xml version="1.0"?><ListBucketResult><EncodingType>url</EncodingType>${rest}<Contents><Key>${key}</Key>` +
  '<LastModified>2024-05-01T10:00:00.500Z</LastModified><ETag>&quot;x&quot;</ETag><Size>1</Size></Contents></ListBucketResult>';

test('s3: a listing whose pages fail at first', async context => {
  let requests = 0;
  const { url } = await startServer(context, (request, response) => {
    requests++;
    if (requests % 3 !== 0) return void response.writeHead(503).end(slowDown);
    if (request.url?.includes('delimiter')) return void response.end(page('a+b%2B'));
    const more = '<IsTruncated>true</IsTruncated><NextContinuationToken>n</NextContinuationToken>';
    response.end(page('a+b%2B', more));
  });
  const retry = { attempts: 3, firstWaitMs: 1, longestWaitMs: 1 };
  const source = await openRemote('s3://bucket', { endpoint: url, anonymous: true }, { retry });
  const files = [...(await filesOf(source)).values()];
  assert.deepEqual(files, [
    { path: 'a b+', name: 'a b+', key: undefined, size: 1, mtimeUs: 1714557600_000_000, version: '"x"' },
  ]);
  await source.close();
});

for (const [what, body, code] of [
  ['a page that is cut off', page('a').slice(0, -20), 'failed'],
  ['a page of another kind', '<html><body>Welcome</body></html>', 'failed'],
  ['no XML', 'hello', 'failed'],
  ['a size that is no number', page('a').replace('<Size>1<', '<Size>x<'), 'failed'],
  [
    'pages without end',
    page('a', '<IsTruncated>true</IsTruncated><NextContinuationToken>n</NextContinuationToken>'),
    'failed',
  ],
] as const) {
  test(`s3: ${what}`, async context => {
    const { url } = await startServer(context, (_request, response) => void response.end(body));
    const source = await openRemote('s3://bucket', { endpoint: url, anonymous: true });
    context.after(() => source.close());
    await assert.rejects(filesOf(source), fails(code));
  });
}
