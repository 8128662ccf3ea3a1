/** `facet index add`: names a place that holds files. Lists nothing yet. */
import { argument, command, flag, option, optionList } from '../command.js';
import { directory, duration, text } from '../kinds.js';
import { printable } from '../terminal.js';

export default command({
  description:
    'Adds a source: from then on its files are part of the tree, below a directory of its name. Nothing is copied and nothing in the source is changed. The files appear with the next scan, or when somebody watches the source.',
  arguments: {
    name: argument(text, 'NAME', 'what to call it'),
    uri: argument(
      directory,
      'URI',
      'where it is: /path, s3://bucket/prefix, https://host/folder/ or rclone:remote:path',
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
  },
  examples: [
    { command: 'facet index add docs ~/Documents', says: 'show the documents as /docs' },
    {
      command: 'facet index add films s3://media/films --endpoint https://s3.example.org',
      says: 'part of a bucket; the credentials come from the environment or a profile',
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
  async run({ home, output }, { name, uri }, { include, exclude, follow, watch, every, ...remote }) {
    const set = Object.entries(remote).filter(([, value]) => value !== undefined && value !== false);
    const options = {
      include,
      exclude,
      follow,
      ...(watch ? { watch } : {}),
      ...(every === undefined ? {} : { every }),
      ...(set.length > 0 ? { remote: Object.fromEntries(set) } : {}),
    };
    const [{ openCatalog }, { addSource }] = await Promise.all([
      import('../../src/tree/open-catalog.js'),
      import('../../src/indexing/add-source.js'),
    ]);
    const catalog = openCatalog(home.catalogFile);
    try {
      const source = addSource(catalog, name, uri, options);
      await output.result(
        { name: source.name, uri: source.uri, ...source.options },
        () =>
          `added ${source.name}: ${printable(source.uri)}\nnow list its files: facet index scan ${source.name}`,
      );
    } finally {
      catalog.close();
    }
  },
});
