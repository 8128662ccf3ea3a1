/** Finds the server behind an address: the one that is written there, or the one that a leader names at this moment. */
import { readFile } from 'node:fs/promises';
import { errorMessage, FacetError } from '../../errors.js';
import { apiAt, parse, passwordIn, type StreamPlace } from '../../sources/stream-uri.js';
import { redisPassword } from './password.js';

/** A Redis, or the API of MetaMesh. */
export type FoundServer = FoundRedis | FoundApi;

export interface FoundRedis {
  place: Extract<StreamPlace, { kind: 'server' | 'sentinel' | 'cluster' }>;
  password: string | undefined;
  /** For messages. */
  name: string;
}

export interface FoundApi {
  /** Ends in a slash. */
  api: URL;
}

const ANSWER_TIMEOUT_MS = 5_000;
const LONGEST_ADDRESS = 4_096;

/** Throws `unreachable` when there is no leader now, `denied` when the password is closed to us. */
export async function findServer(place: StreamPlace, signal: AbortSignal): Promise<FoundServer> {
  const password = redisPassword(process.env);
  if (place.kind === 'api') return { api: place.url };
  if (place.kind !== 'leader') return { place, password, name: nameOf(place) };
  try {
    return await askLeader(
      place.file,
      password,
      AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
    );
  } catch (error) {
    signal.throwIfAborted();
    throw new FacetError(
      'unreachable',
      `the leader of ${place.file} names no server: ${errorMessage(error)}`,
      {
        path: place.file,
        cause: error,
        hint: 'check that the leader runs; what the catalog knows is kept',
      },
    );
  }
}

/**
 * The file has an address; `/urls` below it tells, among others, `redisUrl`. Since Redis answers nobody but the leader itself,
 * that is empty, and the API is to be asked: `apiUrl`, or the address of the file.
 */
async function askLeader(
  file: string,
  password: string | undefined,
  signal: AbortSignal,
): Promise<FoundServer> {
  const address = (await readFile(file, { encoding: 'utf8', signal })).trim().slice(0, LONGEST_ADDRESS);
  const answer = await fetch(`${address.replace(/\/+$/, '')}/urls`, { signal });
  if (!answer.ok) throw new Error(`${address} answers ${answer.status}`);
  const urls: unknown = await answer.json();
  const [redisUrl, apiUrl] = [textIn(urls, 'redisUrl'), textIn(urls, 'apiUrl')];
  if (redisUrl === undefined) {
    const api = apiAt(apiUrl ?? address);
    if (api === undefined) throw new Error(`${address} tells neither a redisUrl nor an apiUrl`);
    return { api };
  }
  const place = parse(redisUrl);
  if (place.kind === 'leader') throw new Error('the leader names another leader');
  if (place.kind === 'api') throw new Error(`${address} tells a redisUrl that is none`);
  return { place, password: passwordIn(redisUrl) ?? password, name: nameOf(place) };
}

/** Undefined where there is none, or an empty one. */
function textIn(told: unknown, name: string): string | undefined {
  const text: unknown = new Map(Object.entries(told ?? {})).get(name);
  return typeof text === 'string' && text !== '' ? text : undefined;
}

function nameOf(place: FoundRedis['place']): string {
  const hosts = place.kind === 'server' ? [place.at] : place.hosts;
  return `redis://${hosts.map(({ host, port }) => `${host}:${port}`).join(',')}`;
}
