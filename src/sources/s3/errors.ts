/** What the answers of S3 that are no success mean to a user (Amazon S3 API Reference, "Error responses"). */
import { FacetError, type FacetErrorCode } from '../../errors.js';
import { header, type WebAnswer } from '../web/connections.js';
import { parseRetryAfter, TransientError } from '../web/transient.js';
import type { S3ErrorBody } from './xml.js';

interface Meaning {
  code: FacetErrorCode;
  hint: string;
}

const wrongKey: Meaning = {
  code: 'denied',
  hint: 'check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile',
};
const expired: Meaning = { code: 'denied', hint: 'sign in again; the credentials are too old' };
const noAccess: Meaning = {
  code: 'denied',
  hint: 'the credentials are known but may not do this; ask whoever owns the bucket, or try another profile; a bucket whose readers pay needs --requester-pays',
};
const archived: Meaning = { code: 'denied', hint: 'the object is in an archive; restore it there first' };

const meanings: Readonly<Record<string, Meaning>> = {
  SignatureDoesNotMatch: wrongKey,
  InvalidAccessKeyId: wrongKey,
  InvalidSecurity: wrongKey,
  InvalidToken: expired,
  ExpiredToken: expired,
  RequestTimeTooSkewed: { code: 'denied', hint: 'set the clock of this machine' },
  AccessDenied: noAccess,
  AllAccessDisabled: noAccess,
  AccountProblem: noAccess,
  InvalidObjectState: archived,
  NoSuchBucket: { code: 'not-found', hint: 'check the name of the bucket, the endpoint and the region' },
  NoSuchKey: { code: 'not-found', hint: 'scan the source again: facet index scan' },
  PermanentRedirect: {
    code: 'failed',
    hint: 'set AWS_REGION to the region of the bucket, or add the source with --region',
  },
  AuthorizationHeaderMalformed: {
    code: 'failed',
    hint: 'set AWS_REGION to the region of the bucket, or add the source with --region',
  },
};

/** Of an answer without a body, its status is all there is. */
const byStatus: Readonly<Record<number, Meaning>> = {
  401: wrongKey,
  403: { code: 'denied', hint: 'check the credentials, and what they may do' },
  404: { code: 'not-found', hint: 'check the name of the bucket' },
};

const transientCodes = new Set([
  'SlowDown',
  'RequestTimeout',
  'InternalError',
  'ServiceUnavailable',
  'Throttling',
]);

/** What was asked for. */
export interface Doing {
  verb: 'read' | 'write';
  /** `s3://bucket/key` */
  object: string;
}

export function s3Error(
  answer: WebAnswer,
  body: S3ErrorBody,
  { verb, object }: Doing,
  now: number,
): FacetError {
  const { status } = answer;
  const says = [body.code, body.message].filter(part => part !== undefined).join(': ');
  const message = `cannot ${verb} ${object}: ${says === '' ? `the server answers ${status}` : says}`;
  if (status >= 500 || status === 408 || status === 429 || transientCodes.has(body.code ?? '')) {
    const retryAfterMs = parseRetryAfter(header(answer, 'retry-after'), now);
    return new TransientError(message, { path: object, retryAfterMs, hint: 'try again later' });
  }
  const meaning = meanings[body.code ?? ''] ?? byStatus[status];
  return new FacetError(meaning?.code ?? 'failed', message, { path: object, hint: meaning?.hint });
}
