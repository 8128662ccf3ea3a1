/** `facet index nodes`: who publishes to the Redis that the settings name. */
import { loadConfig } from '../../src/config/config.js';
import { FacetError } from '../../src/errors.js';
import type { NodeStatus } from '../../src/indexing/stream/nodes.js';
import { type CommandContext, command, option } from '../command.js';
import { formatItems } from '../format.js';
import { text } from '../kinds.js';
import { printable } from '../terminal.js';

export default command({
  description:
    'Lists the machines that publish their files to the Redis that config.yaml names: whether they are online, when they were last heard of, and what they have. One that was not heard of for 90 seconds is offline.',
  options: {
    forget: option(text, 'NAME', 'take a node that is gone for good out of Redis, with its files'),
  },
  examples: [
    { command: 'facet index nodes --json | jq -r "select(.online).name"', says: 'who is there' },
    { command: 'facet index nodes --forget laptop', says: 'it was sold' },
  ],
  async run(context, _, { forget: name }) {
    const { output, signal } = context;
    const { connection, keyPrefix } = await connect(context);
    const { listNodes, forgetNode } = await import('../../src/indexing/stream/nodes.js');
    const nodes = { connection, keyPrefix };
    try {
      if (name === undefined) return await output.rows(await listNodes(nodes), toText);
      const files = await forgetNode(nodes, name, signal);
      await output.done(
        { name, files },
        () => `forgot ${printable(name)}, with ${formatItems(files, 'file')}`,
      );
    } finally {
      connection.close();
    }
  },
});

async function connect({ home, signal }: CommandContext) {
  const { redis } = await loadConfig(home);
  if (redis.uri === undefined) throw noRedis(home.configFile);
  const { openRedis } = await import('../../src/indexing/stream/open-feed.js');
  const connection = await openRedis(redis.uri, signal);
  return { connection, keyPrefix: redis.keyPrefix ?? '' };
}

function noRedis(configFile: string): FacetError {
  return new FacetError('usage', `${configFile} names no Redis`, {
    path: configFile,
    hint: 'put into it: redis: {uri: redis://HOST}',
  });
}

function toText({ name, online, lastHeartbeat, files, sources, version }: NodeStatus): string {
  const heard = `${lastHeartbeat.slice(0, 19).replace('T', ' ')} UTC`;
  const state = online ? 'online' : 'offline';
  const where = sources.length > 0 ? ` in ${printable(sources.join(', '))}` : '';
  return `${printable(name)}  ${state}\n  ${formatItems(files, 'file')}${where}; heard of ${heard}, facet ${printable(version)}`;
}
