/** `facet index add`: names a place that holds files. Lists nothing yet. */
import type { RemoteOptions } from '../../src/sources/open-remote.js';
import { argument, command, flag, option, optionList } from '../command.js';
import { directory, duration, oneOf, source as sourceName, text } from '../kinds.js';
import { printable } from '../terminal.js';

export default command({
  description:
    'Adds a source: from then on its files are part of the tree, below a directory of its name. Nothing is copied and nothing in the source is changed. The files appear with the next scan, or when somebody watches the source.',
  arguments: {
    name: argument(text, 'NAME', 'what to call it'),
    uri: argument(
      directory,
      'URI',
      'where it is: /path, s3://bucket/prefix, https://host/folder/, rclone:remote:path, redis://host or metamesh+http://host',
    ),
  },
  options: {
    include: optionList(text, 'GLOB', 'only files that match'),
    exclude: optionList(text, 'GLOB', 'no files or folders that match'),
    follow: flag('follow symbolic links that stay inside the source'),
    watch: flag('bring its changes at once while a mount or "facet index watch" runs'),
    every: option(duration, 'TIME', 'scan it that often while one of them runs, such as 1h'),
    endpoint: option(
      text,
      'URL',
      'the address of an S3 server other than that of AWS; AWS_ENDPOINT_URL_S3 or that of the profile when left out',
    ),
    region: option(
      text,
      'REGION',
      'the region of the bucket; AWS_REGION or that of the profile when left out',
    ),
    pathStyle: flag('name the bucket in the path and not in the host name; always so with --endpoint'),
    profile: option(text, 'NAME', 'the profile of the AWS configuration that has the credentials'),
    anonymous: flag('sign no requests: the bucket is public'),
    requesterPays: flag('pay for the requests, where the owner of the bucket does not'),
    files: option(directory, 'DIR', 'where the files are that a Redis tells of'),
    contents: option(
      sourceName,
      'NAME',
      'the source that has the contents of the files that a Redis tells of',
    ),
    keyPrefix: option(text, 'TEXT', 'what the keys of a Redis begin with'),
    properties: option(
      oneOf('used', 'all'),
      'WHICH',
      'the properties to take from a Redis: used, those that rules ask for, or all',
    ),
  },
  examples: [
    { command: 'facet index add docs ~/Documents', says: 'show the documents as /docs' },
    {
      command: 'facet index add films s3://media/films --endpoint https://s3.example.org',
      says: 'part of a bucket; the credentials come from the environment or a profile',
    },
    {
      command: 'facet index add media redis://nas --files /srv/media',
      says: 'what MetaMesh says of the files below /srv/media',
    },
    {
      command: "facet index add code ~/src --exclude node_modules --exclude '*.o'",
      says: 'without what is built',
    },
    { command: 'facet index add photos ~/Pictures --watch', says: 'what changes there is seen at once' },
    {
      command: 'facet index add nas /mnt/nas --every 1h',
      says: 'a network disk tells nobody what others change on it',
    },
  ],
  async run(
    { home, output },
    { name, uri },
    { include, exclude, follow, watch, every, files, contents, keyPrefix, properties, ...remote },
  ) {
    const [{ openCatalog }, { addSource }, { isRemote, settled }, { isStream }] = await Promise.all([
      import('../../src/tree/open-catalog.js'),
      import('../../src/indexing/add-source.js'),
      import('../../src/sources/open-remote.js'),
      import('../../src/sources/stream-uri.js'),
    ]);
    const where: RemoteOptions = given(remote) ?? {};
    const kept = isRemote(uri) ? await settled(uri, where) : where;
    const options = {
      include,
      exclude,
      follow,
      ...(watch ? { watch } : {}),
      ...(every === undefined ? {} : { every }),
      ...(Object.keys(kept).length > 0 ? { remote: kept } : {}),
      stream: given({ files, contents, keyPrefix, properties }),
    };
    const catalog = openCatalog(home.catalogFile);
    try {
      const source = addSource(catalog, name, uri, options);
      const isKept = watch || every !== undefined || isStream(source.uri);
      await output.done({ name: source.name, uri: source.uri, ...source.options }, each =>
        [`added ${each.name}: ${printable(each.uri)}`, nextStep(each.name, isKept)].join('\n'),
      );
    } finally {
      catalog.close();
    }
  },
});

/** `isKept`: somebody who keeps sources true lists this one by himself. */
function nextStep(name: string, isKept: boolean): string {
  const scan = `facet index scan ${name}`;
  if (!isKept) return `now list its files: ${scan}`;
  return `its files come while a mount or "facet index watch" runs, or with: ${scan}`;
}

/** Undefined when nothing was given: nothing of it belongs to a source of another kind. */
function given<Settings extends object>(settings: Settings): Partial<Settings> | undefined {
  const set = Object.entries(settings).filter(([, value]) => value !== undefined && value !== false);
  const kept: Partial<Settings> = {};
  return set.length > 0 ? Object.assign(kept, Object.fromEntries(set)) : undefined;
}
