/** What S3 says in XML: pages of a listing, uploads, and errors (Amazon S3 API Reference, ListObjectsV2 and "Error responses"). */
import type { XMLParser } from 'fast-xml-parser';
import { lazyPackage } from '../../config/lazy-package.js';
import { FacetError } from '../../errors.js';
import { decodeName, needsBytes } from '../file-names.js';
import { decodeBytes } from '../percent.js';
import type { Page } from './walk.js';

const xml = lazyPackage<typeof import('fast-xml-parser')>('fast-xml-parser');
let parser: XMLParser | undefined;

/** Loaded when there is something to parse: objects are read without. A key such as 007 or one that ends in a space stays what it is. */
function loadParser(): XMLParser {
  const { XMLParser } = xml();
  return new XMLParser({
    parseTagValue: false,
    trimValues: false,
    ignoreDeclaration: true,
    htmlEntities: true,
    processEntities: { enabled: true, maxExpandedLength: Number.MAX_SAFE_INTEGER },
    isArray: name => name === 'Contents' || name === 'CommonPrefixes',
  });
}

type Element = Record<string, unknown>;

function parse(text: string): Element {
  parser ??= loadParser();
  try {
    return element(parser.parse(text));
  } catch (error) {
    throw new FacetError('failed', 'the answer is not XML', { cause: error });
  }
}

function element(value: unknown): Element {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function elements(value: unknown): Element[] {
  return Array.isArray(value) ? value.map(element) : [];
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Throws `failed` for anything but a complete page. */
export function parsePage(body: string): Page {
  const root = parse(body).ListBucketResult;
  if (root === undefined || !body.trimEnd().endsWith('ListBucketResult>')) throw notAPage();
  const result = element(root);
  const decode = result.EncodingType === 'url' ? decodeKey : plainKey;
  return {
    objects: elements(result.Contents).map(each => parseObject(each, decode)),
    prefixes: elements(result.CommonPrefixes).map(each => decode(required(each.Prefix))),
    next: result.IsTruncated === 'true' ? required(result.NextContinuationToken) : undefined,
  };
}

function parseObject(each: Element, decode: (key: string) => string): Page['objects'][number] {
  const size = Number(required(each.Size));
  const at = Date.parse(required(each.LastModified));
  if (!Number.isSafeInteger(size) || Number.isNaN(at)) throw notAPage();
  const file = { size, mtimeUs: wholeSecondsUs(at), version: text(each.ETag) };
  return { key: decode(required(each.Key)), file };
}

/** Some servers list milliseconds; the header Last-Modified has none, and both must tell the same time of a file. */
export function wholeSecondsUs(ms: number): number {
  return Math.floor(ms / 1000) * 1_000_000;
}

function required(value: unknown): string {
  const found = text(value);
  if (found === undefined) throw notAPage();
  return found;
}

function notAPage(): FacetError {
  return new FacetError('failed', 'the answer is not a listing of a bucket', {
    hint: 'check that the endpoint is that of an S3 server',
  });
}

function plainKey(key: string): string {
  return needsBytes(key) ? decodeName(Buffer.from(key)) : key;
}

/** Servers write a space as `%20` or as `+`, and a plus always as `%2B`. */
export function decodeKey(encoded: string): string {
  const spaced = encoded.replaceAll('+', ' ');
  if (!spaced.includes('%')) return plainKey(spaced);
  try {
    return plainKey(decodeURIComponent(spaced));
  } catch {
    return decodeName(decodeBytes(spaced));
  }
}

export interface S3ErrorBody {
  code: string | undefined;
  message: string | undefined;
  region: string | undefined;
}

/** Of an answer that is no error of S3, nothing. */
export function parseError(body: string): S3ErrorBody {
  const error = element(body.includes('<Error') ? parse(body).Error : undefined);
  return { code: text(error.Code), message: text(error.Message), region: text(error.Region) };
}

/** One part of an upload, as the server knows it. */
export interface PartTag {
  /** From 1. */
  number: number;
  etag: string;
}

/** Of the answer to CreateMultipartUpload. Throws `failed`. */
export function parseUploadId(body: string): string {
  const id = text(element(parse(body).InitiateMultipartUploadResult).UploadId);
  if (id !== undefined) return id;
  throw new FacetError('failed', 'the answer is not the beginning of an upload');
}

/** The body of CompleteMultipartUpload. */
export function partList(parts: readonly PartTag[]): Buffer {
  const list = parts.map(
    ({ number, etag }) =>
      `<Part><PartNumber>${number}</PartNumber><ETag>${etag.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</ETag></Part>`,
  );
  return Buffer.from(`<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`);
}

/** The entity tag that its answer tells. What went wrong after the answer had begun is an error with status 200. */
export function parseCompleted(body: string, what: string): string | undefined {
  const result = parse(body.trim()).CompleteMultipartUploadResult;
  if (result !== undefined) return text(element(result).ETag);
  const { code, message } = parseError(body);
  throw new FacetError(
    'failed',
    `cannot write ${what}: ${code ?? 'the upload was not completed'}: ${message ?? ''}`,
    {
      path: what,
    },
  );
}
