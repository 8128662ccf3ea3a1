/** Which addresses of a Redis can be sources, and what they mean. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStream, parseStreamUri, passwordIn } from '../../src/sources/stream-uri.js';

const login = { tls: false, username: undefined, db: 0 };

test('a server, sentinels, a cluster, a leader, an API', () => {
  const places = {
    'redis://nas': { kind: 'server', at: { host: 'nas', port: 6379 }, ...login },
    'rediss://ada@[::1]:7/3': {
      kind: 'server',
      at: { host: '::1', port: 7 },
      tls: true,
      username: 'ada',
      db: 3,
    },
    'redis+sentinel://a,b:27000/media/2': {
      kind: 'sentinel',
      hosts: [
        { host: 'a', port: 26379 },
        { host: 'b', port: 27000 },
      ],
      group: 'media',
      ...login,
      db: 2,
    },
    'rediss+cluster://a,b:7': {
      kind: 'cluster',
      hosts: [
        { host: 'a', port: 6379 },
        { host: 'b', port: 7 },
      ],
      ...login,
      tls: true,
    },
    'redis+leader:///locks/kv%20leader.info': { kind: 'leader', file: '/locks/kv leader.info' },
    'metamesh+https://core/api': { kind: 'api', url: new URL('https://core/api/') },
  };
  for (const [uri, place] of Object.entries(places)) {
    assert.ok(isStream(uri), uri);
    assert.deepEqual(parseStreamUri(uri), place, uri);
  }
});

test('what is no address of a Redis', () => {
  for (const uri of ['redis+group://a', 'redis:nas', '/redis', 'http://redis', 'redis', 'redisx://a'])
    assert.ok(!isStream(uri), uri);
  const wrong = [
    'redis://',
    'redis://a:x',
    'redis://a/b',
    'redis://a/0/1',
    'redis://a,b',
    'redis://a?b=c',
    'redis://a#b',
    'redis+sentinel://a',
    'redis+sentinel://a/',
    'redis+cluster://a/1',
    'redis+leader://host/file',
    'redis://a/-1',
    'metamesh://a',
    'metamesh+ftp://a',
    'metamesh+http://a?b=c',
  ];
  for (const uri of wrong) assert.throws(() => parseStreamUri(uri), { code: 'usage' }, uri);
});

test('a password is not kept, and not shown', () => {
  for (const uri of [
    'redis://:secret@a',
    'rediss://u:secret@a:1/2',
    'redis+sentinel://u:secret@a,b/g',
    'redis://u:se@cret@a',
    'metamesh+http://u:secret@a',
  ]) {
    assert.throws(
      () => parseStreamUri(uri),
      error =>
        error instanceof Error &&
        !error.message.includes('cret') &&
        'hint' in error &&
        /FACET_REDIS_PASSWORD/.test(String(error.hint)),
      uri,
    );
  }
  assert.equal(passwordIn('redis://u:s%40@a,b'), 's@');
  assert.equal(passwordIn('redis://a'), undefined);
});
