/** What `facet fetch` takes for a glob, where names look like one. What arrives is in e2e/fetch.test.ts. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { inPlace, users } from '../support/mounted.js';

const user = users[0] ?? assert.fail();

describe('a glob of facet fetch', () => {
  it('means parentheses as they are: they are part of many titles', () =>
    inPlace(user, async place => {
      for (const path of ['Heat (1995)/film', 'Heat 1995/other', 'extra (cut)/film']) place.write(path, path);
      await place.index();
      const fetched = async (glob: string) => {
        const lines = await place.done(
          'fetch',
          glob,
          '-o',
          join(place.base, glob.replaceAll('/', '')),
          '--json',
        );
        // Files are told in the order in which they are done.
        return lines
          .trimEnd()
          .split('\n')
          .map(line => JSON.parse(line).path)
          .sort();
      };
      assert.deepEqual(await fetched('/docs/Heat (1995)/*'), ['/docs/Heat (1995)/film']);
      assert.deepEqual(await fetched('/docs/*(1995)/*'), ['/docs/Heat (1995)/film']);
      assert.deepEqual(await fetched('/docs/*/{film,(none)}'), [
        '/docs/Heat (1995)/film',
        '/docs/extra (cut)/film',
      ]);
      assert.deepEqual(await fetched('/docs/Heat \\(1995\\)/f*'), ['/docs/Heat (1995)/film']);
    }));
});
