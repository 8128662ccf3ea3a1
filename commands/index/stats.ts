/** `facet index stats`: what sources hold, and how far the streams of those that have one were followed. */
import type { SourceRecord, StreamState } from '../../src/catalog/sources.js';
import type { Volume } from '../../src/volume/volume.js';
import { argumentList, command } from '../command.js';
import { formatCount, formatDuration, formatItems, formatSize } from '../format.js';
import { source } from '../kinds.js';
import { openVolume } from '../volume.js';

interface SourceStats {
  name: string;
  fileCount: number;
  directoryCount: number;
  /** Bytes. */
  totalSize: number;
  /** ISO 8601: when the source was last known to be as the catalog has it. */
  lastRefresh: string | null;
  /** Null for a source that is not followed. */
  stream: ReturnType<typeof streamStats> | null;
}

export default command({
  description:
    'Counts what sources hold, and what was done to follow those that are a stream of events: a Redis. Asks the catalog alone, so it answers whether Redis does or not.',
  arguments: { names: argumentList(source, 'NAME', 'only these sources') },
  examples: [
    {
      command: 'facet index stats media --json | jq .stream.lag',
      says: 'how far behind it is, in milliseconds',
    },
  ],
  async run({ home, output }, { names }) {
    const volume = await openVolume(home);
    try {
      const { sources } = volume;
      const wanted = names.length > 0 ? names.map(name => sources.get(name)) : sources.all();
      await output.rows(
        wanted.map(each => statsOf(volume, each)),
        toText,
      );
    } finally {
      volume.close();
    }
  },
});

function statsOf({ files }: Volume, { id, name, state }: SourceRecord): SourceStats {
  const totals = files.totals(id);
  return {
    name,
    fileCount: totals.files,
    directoryCount: totals.folders,
    totalSize: totals.bytes,
    lastRefresh: state.stream?.lastRefresh ?? state.lastScan ?? null,
    stream: state.stream ? streamStats(state.stream, totals.files) : null,
  };
}

/** `filesComplete`: files that have a path, and so are shown. `lastEventId`: null until all files were listed. */
function streamStats(state: StreamState, filesComplete: number) {
  const { eventsProcessed, propertiesFetched, propertiesSkipped, eventsIgnored, pathsRefused, lag } = state;
  const counts = { eventsProcessed, propertiesFetched, propertiesSkipped, eventsIgnored, pathsRefused, lag };
  return { ...counts, filesComplete, lastEventId: state.position ?? null };
}

function toText({ name, fileCount, directoryCount, totalSize, lastRefresh, stream }: SourceStats): string {
  const when = lastRefresh === null ? 'never' : `${lastRefresh.slice(0, 19).replace('T', ' ')} UTC`;
  const what = `${formatItems(fileCount, 'file')}, ${formatItems(directoryCount, 'folder')}, ${formatSize(totalSize)}`;
  return [`${name}  ${what}`, `  last refresh: ${when}`, ...(stream ? streamText(stream) : [])].join('\n');
}

function streamText(stream: ReturnType<typeof streamStats>): string[] {
  const { eventsProcessed, eventsIgnored, propertiesFetched, propertiesSkipped, pathsRefused } = stream;
  return [
    `  events: ${formatCount(eventsProcessed)} processed, ${formatCount(eventsIgnored)} of them ignored; the last one ${stream.lastEventId ?? 'none'}`,
    `  properties: ${formatCount(propertiesFetched)} fetched, ${formatCount(propertiesSkipped)} skipped`,
    `  lag: ${formatDuration(stream.lag)}; paths refused: ${formatCount(pathsRefused)}`,
  ];
}
