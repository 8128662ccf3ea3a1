/** Where a bucket is: `s3://bucket/prefix` with its options → host and path (Amazon S3 User Guide, "Virtual hosting of buckets"). */
import { FacetError } from '../../errors.js';
import { encodeSegment } from '../percent.js';
import { parseUrl } from '../web/address.js';

export interface S3Address {
  bucket: string;
  /** '' or ends in a slash. */
  prefix: string;
}

export interface EndpointOptions {
  /** `https://host[:port][/path]`; undefined means Amazon's. */
  endpoint?: string | undefined;
  /** The bucket in the path, not in the host name. By default with an `endpoint`. */
  pathStyle?: boolean | undefined;
}

export interface Endpoint {
  origin: string;
  host: string;
  /** What comes before the key, '' or begins with a slash. */
  path: string;
}

/** Throws `usage`. */
export function parseS3Uri(uri: string): S3Address {
  const match = /^s3:\/\/([^/?#\s]+)(?:\/(.*))?$/s.exec(uri);
  if (match?.[1] === undefined) {
    throw new FacetError('usage', `${uri} names no bucket`, {
      hint: 'write s3://bucket or s3://bucket/prefix',
    });
  }
  if (/--x-s3$/.test(match[1])) {
    throw new FacetError('usage', `${uri} is a directory bucket, which facet cannot read`, {
      hint: 'use a general purpose bucket, or mount this one with Mountpoint and add the folder',
    });
  }
  const prefix = match[2] ?? '';
  return { bucket: match[1], prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/` };
}

/** Throws `usage` for an endpoint that is no address of a web server. */
export function findEndpoint(bucket: string, region: string, options: EndpointOptions): Endpoint {
  const custom = options.endpoint === undefined ? undefined : parseEndpoint(options.endpoint);
  const { protocol, host, pathname } = custom ?? new URL(amazon(region));
  const base = pathname.replace(/\/+$/, '');
  if (options.pathStyle ?? (custom !== undefined || !fitsHostName(bucket))) {
    return { origin: `${protocol}//${host}`, host, path: `${base}/${encodeSegment(bucket)}` };
  }
  const own = `${bucket}.${host}`;
  return { origin: `${protocol}//${own}`, host: own, path: base };
}

/** Regions, generations and IPv6; a bucket has one name in all of them. China is a world of its own. */
const AMAZON = /^https?:\/\/s3[.-](?:[a-z0-9-]+\.)*amazonaws\.com(\.cn)?$/;

/** The same for all ways to write where it is. Throws `usage` as `findEndpoint` does. */
export function placeOfBucket(
  { bucket, prefix }: S3Address,
  { endpoint, region = 'us-east-1' }: Pick<EndpointOptions, 'endpoint'> & { region?: string | undefined },
): string {
  const { origin, path } = findEndpoint(bucket, region, { endpoint, pathStyle: true });
  return `${origin.replace(AMAZON, 'https://s3.amazonaws.com$1')}${path}/${prefix}`;
}

function amazon(region: string): string {
  return `https://s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}

// A full stop in it would not match the wildcard of Amazon's certificate.
function fitsHostName(bucket: string): boolean {
  return /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(bucket);
}

function parseEndpoint(endpoint: string): URL {
  const url = parseUrl(endpoint);
  const plain = url?.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (url !== undefined && plain && /^https?:$/.test(url.protocol)) return url;
  throw new FacetError('usage', `the endpoint ${withoutSecret(endpoint)} is not the address of a server`, {
    hint: 'write http://host:port or https://host; keys come from the environment or a profile, never from the address',
  });
}

function withoutSecret(address: string): string {
  return address.replace(/\/\/[^/@]*@/, '//…@');
}
