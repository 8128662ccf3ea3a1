/** The only place that names every kind of remote source. What a kind needs is loaded when one of it is opened. */
import type { SourceRecord } from '../catalog/sources.js';
import { FacetError } from '../errors.js';
import { checkHttpUri, plainUrl } from './http/uri.js';
import { parseRcloneUri } from './rclone/uri.js';
import type { RemoteSource } from './remote.js';
import { defaultRetry, type Retry, retrying } from './retry.js';
import { parseS3Uri, placeOfBucket } from './s3/endpoint.js';
import type { S3Options } from './s3/s3.js';
import type { Surroundings } from './web/surroundings.js';
import { defaultTimeouts, type Timeouts } from './web/timeouts.js';

/** What the catalog keeps beside a URI. Secrets are not among it. */
export type RemoteOptions = S3Options;

interface Kind {
  /** The place it means, however it is written. Throws `usage`. */
  placeOf(uri: string, options: RemoteOptions): string;
  /** For a kind whose place depends on the environment too: the options that say it without. */
  settle?(options: RemoteOptions): Promise<RemoteOptions>;
  open(uri: string, options: RemoteOptions, surroundings: Surroundings): Promise<RemoteSource>;
  /** What a user may have overlooked when most of its files are gone. */
  overlooked: string;
}

const http: Kind = {
  placeOf: uri => plainUrl(checkHttpUri(uri)).replace(/\/*$/, '/'),
  open: async (uri, _options, surroundings) =>
    (await import('./http/http.js')).openHttp(checkHttpUri(uri), surroundings),
  overlooked: 'does the server still list all that it has?',
};

const rclone: Kind = {
  placeOf(uri) {
    const { remote, path } = parseRcloneUri(uri);
    return `rclone:${remote}${path.replace(/\/+$/, '/')}`;
  },
  open: async (uri, _options, surroundings) =>
    (await import('./rclone/rclone.js')).openRclone(uri, surroundings),
  overlooked: 'does the remote still lead to the same place?',
};

const s3: Kind = {
  placeOf: (uri, options) => placeOfBucket(parseS3Uri(uri), options),
  async settle(options) {
    if (options.endpoint !== undefined) return options;
    const { endpoint } = await (await import('./s3/surroundings.js')).readSurroundings(options.profile);
    return endpoint === undefined ? options : { ...options, endpoint };
  },
  open: async (...source) => (await import('./s3/s3.js')).openS3(...source),
  overlooked: 'is it still the same bucket, and are its objects still below this prefix?',
};

const kinds = new Map(Object.entries({ http, https: http, rclone, s3 }));

function findKind(uri: string): Kind | undefined {
  return kinds.get(/^([a-z][a-z0-9]*):/i.exec(uri)?.[1]?.toLowerCase() ?? '');
}

/** Is it reached over a network? */
export function isRemote(uri: string): boolean {
  return findKind(uri) !== undefined;
}

/** The same for all that lead to the same place. Throws `usage` for a URI and options that no remote source can have. */
export function placeOf(uri: string, options: RemoteOptions = {}): string {
  return kindOf(uri).placeOf(uri, options);
}

/**
 * The options with what the environment and its profiles say of where the source is. A source keeps them: in another
 * environment the same words would mean another place, and all its files would seem to be gone. Throws as `placeOf` does,
 * and `usage` for settings that cannot be read.
 */
export async function settled(uri: string, options: RemoteOptions = {}): Promise<RemoteOptions> {
  return (await kindOf(uri).settle?.(options)) ?? options;
}

function kindOf(uri: string): Kind {
  const kind = findKind(uri);
  if (kind !== undefined) return kind;
  throw new FacetError('usage', `${uri} is no kind of source that facet knows`, {
    hint: 'write a path, s3://bucket/prefix, https://host/folder/, rclone:remote:path or redis://host',
  });
}

/** What to ask a user when most files of such a source are gone. Throws as `placeOf` does. */
export function overlooked(uri: string): string {
  return kindOf(uri).overlooked;
}

/** A source of the catalog, as `openRemote` does. */
export function openSource({ uri, options }: SourceRecord): Promise<RemoteSource> {
  return openRemote(uri, options.remote);
}

/** The source, with retries. Throws as `placeOf` does; asks the network nothing yet. Whoever opens it closes it. */
export async function openRemote(
  uri: string,
  options: RemoteOptions = {},
  { retry = defaultRetry, timeouts = defaultTimeouts }: { retry?: Retry; timeouts?: Timeouts } = {},
): Promise<RemoteSource> {
  const source = await kindOf(uri).open(uri, options, { retry, timeouts });
  return retrying(source, retry);
}
