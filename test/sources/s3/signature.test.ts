/** Signatures, by the examples of the Amazon S3 API Reference. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { queryString, signedHeaders, type Unsigned } from '../../../src/sources/s3/signature.js';

const signing = {
  credentials: {
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  },
  region: 'us-east-1',
  date: new Date('2013-05-24T00:00:00Z'),
};

const get: Unsigned = {
  method: 'GET',
  host: 'examplebucket.s3.amazonaws.com',
  path: '/',
  query: [],
  headers: {},
};

const SCOPE = 'AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request';

function authorization(request: Partial<Unsigned>): string | undefined {
  return signedHeaders({ ...get, ...request }, signing).authorization;
}

test('an object with a range', () => {
  assert.equal(
    authorization({ path: '/test.txt', headers: { range: 'bytes=0-9' } }),
    `AWS4-HMAC-SHA256 Credential=${SCOPE}, SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, ` +
      'Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  );
});

test('an object with a body', () => {
  const signed = authorization({
    method: 'PUT',
    path: '/test%24file.text',
    headers: { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
    bodyHash: createHash('sha256').update('Welcome to Amazon S3.').digest('hex'),
  });
  assert.match(signed ?? '', /Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd$/);
});

test('a query without a value', () => {
  const signed = authorization({ query: [['lifecycle', '']] });
  assert.match(signed ?? '', /Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543$/);
});

test('a query in another order than it is signed in', () => {
  const query = [
    ['prefix', 'J'],
    ['max-keys', '2'],
  ] as const;
  const signed = authorization({ query });
  assert.match(signed ?? '', /Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7$/);
});

test('a query is encoded byte by byte, and sorted by names', () => {
  const query = [
    ['a-b', "é +'()*!"],
    ['a', '~-._/'],
  ] as const;
  assert.equal(queryString(query), 'a=~-._%2F&a-b=%C3%A9%20%2B%27%28%29%2A%21');
});

test('a session token is signed', () => {
  const credentials = { ...signing.credentials, sessionToken: 'token' };
  const headers = signedHeaders(get, { ...signing, credentials });
  assert.equal(headers['x-amz-security-token'], 'token');
  assert.match(
    headers.authorization ?? '',
    /SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,/,
  );
});
