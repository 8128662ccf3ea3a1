/**
 * Signatures of S3 requests: AWS Signature Version 4 in the Authorization header, as in "Authenticating
 * Requests: Using the Authorization Header" of the Amazon S3 API Reference. Pure.
 */
import { createHash, createHmac } from 'node:crypto';
import { encodeSegment } from '../percent.js';

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
}

export interface Unsigned {
  method: string;
  host: string;
  /** Percent-encoded, as it is sent: S3 signs a path as it is, without tidying it. */
  path: string;
  query: readonly (readonly [name: string, value: string])[];
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body, in hexadecimal; by default that of none. */
  bodyHash?: string;
}

export interface Signing {
  credentials: Credentials;
  region: string;
  /** By the server's clock. */
  date: Date;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const EMPTY_HASH = createHash('sha256').digest('hex');

/** The headers to send, the signature among them; `host` is not, as every client sends it by itself. */
export function signedHeaders(
  request: Unsigned,
  { credentials, region, date }: Signing,
): Record<string, string> {
  const at = date.toISOString().replace(/[-:]|\.\d{3}/g, '');
  const headers: Record<string, string> = {
    ...request.headers,
    'x-amz-content-sha256': request.bodyHash ?? EMPTY_HASH,
    'x-amz-date': at,
    ...(credentials.sessionToken === undefined ? {} : { 'x-amz-security-token': credentials.sessionToken }),
  };
  const day = at.slice(0, 8);
  const scope = `${day}/${region}/s3/aws4_request`;
  const { text, names } = canonicalRequest(request, { ...headers, host: request.host });
  const toSign = [ALGORITHM, at, scope, createHash('sha256').update(text).digest('hex')].join('\n');
  const signature = hmac(signingKey(credentials.secretAccessKey, day, region), toSign).toString('hex');
  const credential = `${credentials.accessKeyId}/${scope}`;
  headers.authorization = `${ALGORITHM} Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`;
  return headers;
}

function canonicalRequest(request: Unsigned, headers: Readonly<Record<string, string>>) {
  const names = Object.keys(headers).sort();
  const lines = names.map(name => `${name}:${headers[name]?.trim().replace(/ +/g, ' ')}\n`);
  const signed = names.join(';');
  const hash = headers['x-amz-content-sha256'];
  const text = [request.method, request.path, queryString(request.query), lines.join(''), signed, hash];
  return { text: text.join('\n'), names: signed };
}

/** Encoded and in the order in which it is signed, so that it can be sent as it is. */
export function queryString(query: Unsigned['query']): string {
  return query
    .map(([name, value]) => [encodeSegment(name), encodeSegment(value)])
    .sort(([one = ''], [other = '']) => (one < other ? -1 : 1))
    .map(pair => pair.join('='))
    .join('&');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** The last one, which is the same for a day. */
let lastKey: { of: string; key: Buffer } | undefined;

function signingKey(secret: string, date: string, region: string): Buffer {
  const of = [date, region, secret].join('\0');
  if (lastKey?.of !== of) {
    lastKey = { of, key: hmac(hmac(hmac(hmac(`AWS4${secret}`, date), region), 's3'), 'aws4_request') };
  }
  return lastKey.key;
}
