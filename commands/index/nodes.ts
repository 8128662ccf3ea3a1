/** `facet index nodes`: who publishes to the Redis that the settings name. */
import { loadConfig } from '../../src/config/config.js';
import { FacetError } from '../../src/errors.js';
import type { NodeStatus } from '../../src/indexing/stream/nodes.js';
import { command } from '../command.js';
import { formatItems } from '../format.js';
import { printable } from '../terminal.js';

export default command({
  description:
    'Lists the machines that publish their files to the Redis that config.yaml names: whether they are online, when they were last heard of, and how many files they have. One that was not heard of for 90 seconds is offline.',
  examples: [{ command: 'facet index nodes --json | jq -r "select(.online).name"', says: 'who is there' }],
  async run({ home, output, signal }) {
    const { redis } = await loadConfig(home);
    if (redis.uri === undefined) throw noRedis(home.configFile);
    const [{ parseRedisUri }, { Connection }, { listNodes }] = await Promise.all([
      import('../../src/sources/redis-uri.js'),
      import('../../src/indexing/stream/connection.js'),
      import('../../src/indexing/stream/nodes.js'),
    ]);
    const connection = await Connection.open(parseRedisUri(redis.uri), signal);
    try {
      await output.rows(await listNodes(connection, redis.keyPrefix), toText);
    } finally {
      connection.close();
    }
  },
});

function noRedis(configFile: string): FacetError {
  return new FacetError('usage', `${configFile} names no Redis`, {
    path: configFile,
    hint: 'put into it: redis: {uri: redis://HOST}',
  });
}

function toText({ name, online, lastHeartbeat, files, version }: NodeStatus): string {
  const heard = `${lastHeartbeat.slice(0, 19).replace('T', ' ')} UTC`;
  const state = online ? 'online' : 'offline';
  return `${printable(name)}  ${state}\n  ${formatItems(files, 'file')}, heard of ${heard}, facet ${printable(version)}`;
}
