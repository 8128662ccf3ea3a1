/** Finds the Redis behind an address: the one that is written there, or the one that a leader names at this moment. */
import { readFile } from 'node:fs/promises';
import { errorMessage, FacetError } from '../../errors.js';
import { parse, passwordIn, type RedisPlace } from '../../sources/redis-uri.js';
import { redisPassword } from './password.js';

export interface FoundRedis {
  place: Exclude<RedisPlace, { kind: 'leader' }>;
  password: string | undefined;
  /** For messages. */
  name: string;
}

const ANSWER_TIMEOUT_MS = 5_000;
const LONGEST_ADDRESS = 4_096;

/** Throws `unreachable` when there is no leader now, `denied` when the password is closed to us. */
export async function findRedis(place: RedisPlace, signal: AbortSignal): Promise<FoundRedis> {
  const password = redisPassword(process.env);
  if (place.kind !== 'leader') return { place, password, name: nameOf(place) };
  try {
    const uri = await askLeader(
      place.file,
      AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
    );
    const led = parse(uri);
    if (led.kind === 'leader') throw new Error('the leader names another leader');
    return { place: led, password: passwordIn(uri) ?? password, name: nameOf(led) };
  } catch (error) {
    signal.throwIfAborted();
    throw new FacetError(
      'unreachable',
      `the leader of ${place.file} names no Redis: ${errorMessage(error)}`,
      {
        path: place.file,
        cause: error,
        hint: 'check that the leader runs; what the catalog knows is kept',
      },
    );
  }
}

/** The file has an address; `/urls` below it tells, among others, `redisUrl`. */
async function askLeader(file: string, signal: AbortSignal): Promise<string> {
  const address = (await readFile(file, { encoding: 'utf8', signal })).trim().slice(0, LONGEST_ADDRESS);
  const answer = await fetch(`${address.replace(/\/+$/, '')}/urls`, { signal });
  if (!answer.ok) throw new Error(`${address} answers ${answer.status}`);
  const told: unknown = await answer.json();
  if (typeof told === 'object' && told !== null && 'redisUrl' in told && typeof told.redisUrl === 'string')
    return told.redisUrl;
  throw new Error(`${address} tells no redisUrl`);
}

function nameOf(place: FoundRedis['place']): string {
  const hosts = place.kind === 'server' ? [place.at] : place.hosts;
  return `redis://${hosts.map(({ host, port }) => `${host}:${port}`).join(',')}`;
}
