/** The contract of remote sources, held by a real S3 server. */

import { openRemote } from '../../src/sources/open-remote.js';
import { makeBucket } from '../support/s3.js';
import type { Kind } from './remote-source.js';
import { testRemoteSource } from './remote-source.js';

export const oddPaths = [
  '007',
  ' a b+c%20&d=e?f#g;h:i@j$k,l!m~n*o(p)q\'r"s<t>u|v\\w^x`y{z}[]',
  'a//b',
  '//',
  '/first',
  '../x',
  './y',
  'c/./d/../e',
  'twice',
  'twice/below',
  'twice\uf02f',
  'slash/',
  'slash//',
  'é/ü\u0301/日本/𝄞🎉',
  'control\u0001\u001f\u007f\r\n\t',
  'private\uf001\uf025\uef80\uefff',
  '.hidden',
  '...',
  'ends in space ',
  '&amp;&#65;',
  '%',
  '%2F',
  'x'.repeat(200),
];

const s3: Kind = {
  name: 's3',
  oddPaths,
  async serve() {
    const bucket = await makeBucket();
    const { endpoint, put, remove } = bucket;
    const at = (path: string) => `root/${path}`;
    await put('outside', 'outside');
    await put('rootless', 'outside');
    return {
      open: () => openRemote(`s3://${bucket.name}/root`, { endpoint, region: 'us-east-1' }),
      put: (path, contents) => put(at(path), contents),
      remove: path => remove(at(path)),
    };
  },
};

testRemoteSource(s3);
