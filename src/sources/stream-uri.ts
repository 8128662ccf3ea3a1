/**
 * Addresses of what tells of files, event by event: of Redis servers, or of the API of MetaMesh. Which server is meant is
 * found out at each connection: by sentinels, by a cluster, or by a leader that a file of this machine names.
 */
import { fileURLToPath } from 'node:url';
import { FacetError } from '../errors.js';
import { parseUrl } from './web/address.js';

export interface RedisHost {
  host: string;
  port: number;
}

export interface RedisLogin {
  tls: boolean;
  username: string | undefined;
  db: number;
}

export type StreamPlace =
  | ({ kind: 'server'; at: RedisHost } & RedisLogin)
  /** Sentinels that know where the group `group` is. */
  | ({ kind: 'sentinel'; hosts: RedisHost[]; group: string } & RedisLogin)
  /** Servers of a cluster, which know the others. */
  | ({ kind: 'cluster'; hosts: RedisHost[] } & RedisLogin)
  /** A file with the address of a leader, which knows the server. */
  | { kind: 'leader'; file: string }
  /** The API of MetaMesh; the URL ends in a slash. */
  | { kind: 'api'; url: URL };

const SCHEME = /^redis(s)?(?:\+(sentinel|cluster|leader))?:\/\//i;
const API = /^metamesh(?:\+|(?=:))/i;

const PORTS = { server: 6379, sentinel: 26379, cluster: 6379 };

/** Is it such an address? */
export function isStream(uri: string): boolean {
  return SCHEME.test(uri) || API.test(uri);
}

/** Throws `usage`, for one with a password too: secrets are not kept. */
export function parseStreamUri(uri: string): StreamPlace {
  refusePassword(uri);
  return parse(uri);
}

/** Of an address that is not kept, which may have a password. */
export function passwordIn(uri: string): string | undefined {
  const password = parseUrl(firstHost(uri))?.password;
  return password === undefined || password === '' ? undefined : decodeURIComponent(password);
}

/** As `parseStreamUri`, with a password or without one. */
export function parse(uri: string): StreamPlace {
  if (API.test(uri)) {
    const url = apiAt(uri.replace(API, ''));
    if (url === undefined) throw notAnAddress(uri);
    return { kind: 'api', url };
  }
  if (!isStream(uri)) throw notAnAddress(uri);
  const [, secure, form] = SCHEME.exec(uri) ?? [];
  const kind = (form?.toLowerCase() ?? 'server') as 'server' | 'sentinel' | 'cluster' | 'leader';
  if (kind === 'leader') return { kind, file: leaderFile(uri) };
  const url = parseUrl(firstHost(uri));
  if (url === undefined || url.hostname === '') throw notAnAddress(uri);
  if (url.search !== '' || url.hash !== '') throw notAnAddress(uri);
  const names = url.pathname.split('/').slice(1);
  const group = kind === 'sentinel' ? decodeURIComponent(names.shift() ?? '') : '';
  const login = {
    tls: secure !== undefined,
    username: url.username === '' ? undefined : decodeURIComponent(url.username),
    db: database(uri, names),
  };
  const hosts = hostsOf(uri, PORTS[kind]);
  if (kind === 'server') return { kind, at: onlyHost(uri, hosts), ...login };
  if (kind === 'cluster') return { kind, hosts, ...withoutDatabase(uri, login) };
  if (group === '') throw notAnAddress(uri);
  return { kind, hosts, group, ...login };
}

/** The API at an address of the web; undefined when that is none. */
export function apiAt(address: string): URL | undefined {
  const url = parseUrl(address.replace(/\/*$/, '/'));
  const isPlain = url?.search === '' && url.hash === '' && /^https?:$/.test(url.protocol);
  return isPlain ? url : undefined;
}

function refusePassword(uri: string): void {
  const authority = /^[^/]*\/\/([^/?#]*)/.exec(uri)?.[1] ?? '';
  const user = authority.slice(0, Math.max(authority.lastIndexOf('@'), 0));
  if (!user.includes(':')) return;
  const hidden = uri.replace(`${user}@`, `${user.slice(0, user.indexOf(':'))}:…@`);
  throw new FacetError('usage', `an address with a password is not kept: ${hidden}`, {
    hint: 'leave it out, and put the password into FACET_REDIS_PASSWORD or a file that FACET_REDIS_PASSWORD_FILE names',
  });
}

/** The address with its first host alone: several are no part of a URL. */
function firstHost(uri: string): string {
  return uri.replace(SCHEME, 'redis://').replace(/^(redis:\/\/[^/,]*),[^/]*/, '$1');
}

function hostsOf(uri: string, port: number): RedisHost[] {
  const authority = uri.replace(SCHEME, '').split('/')[0] ?? '';
  const hosts = authority.slice(authority.lastIndexOf('@') + 1).split(',');
  return hosts.map(each => {
    const url = parseUrl(`redis://${each}`);
    if (url === undefined || url.hostname === '') throw notAnAddress(uri);
    const host = url.hostname.replace(/^\[|\]$/g, '');
    return { host, port: url.port === '' ? port : Number(url.port) };
  });
}

function onlyHost(uri: string, [first, ...more]: readonly RedisHost[]): RedisHost {
  if (first === undefined || more.length > 0) throw notAnAddress(uri);
  return first;
}

function database(uri: string, [name = '', ...more]: readonly string[]): number {
  if (more.length > 0 || !/^\d{0,5}$/.test(name)) throw notAnAddress(uri);
  return Number(name);
}

/** A cluster has one alone. */
function withoutDatabase(uri: string, login: RedisLogin): RedisLogin {
  if (login.db !== 0) throw notAnAddress(uri);
  return login;
}

function leaderFile(uri: string): string {
  try {
    return fileURLToPath(uri.replace(SCHEME, 'file://'));
  } catch (error) {
    throw new FacetError('usage', `${uri} names no file of this machine`, {
      cause: error,
      hint: 'write redis+leader:///path/to/kv-leader.info',
    });
  }
}

function notAnAddress(uri: string): FacetError {
  return new FacetError('usage', `${uri} is no address of a Redis`, {
    hint: 'write redis://host:6379, rediss://…, redis+sentinel://host,host/GROUP, redis+cluster://host,host, redis+leader:///file or metamesh+http://host:9000',
  });
}
