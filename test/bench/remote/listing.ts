/** ListObjects and ListObjectsV2 of the bucket (Amazon S3 API Reference). Its keys need no escapes. */

export interface Listing {
  keys: readonly string[];
  sizes: ReadonlyMap<string, number>;
  bucket: string;
  modified: string;
  etag: (key: string) => string;
}

const MOST_KEYS = 1000;
/** Behind every key that begins with what is before it. */
const LAST = '\uffff';

/** One page. A marker that is a common prefix stands for all that is below it. */
export function listPage(listing: Listing, query: URLSearchParams): string {
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const marker = query.get('continuation-token') ?? query.get('start-after') ?? query.get('marker') ?? '';
  const most = Math.min(Number(query.get('max-keys') ?? MOST_KEYS), MOST_KEYS);
  const { keys } = listing;
  const items: string[] = [];
  let last = delimiter !== '' && marker.endsWith(delimiter) ? marker + LAST : marker;
  let at = Math.max(firstBehind(keys, last), firstBehind(keys, prefix, true));
  for (; items.length < most; at = firstBehind(keys, last)) {
    const key = keys[at];
    if (key === undefined || !key.startsWith(prefix)) break;
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const common = cut < 0 ? undefined : key.slice(0, cut + delimiter.length);
    last = common === undefined ? key : common + LAST;
    items.push(common === undefined ? contents(listing, key) : commonPrefix(common));
  }
  const isTruncated = keys[at]?.startsWith(prefix) === true;
  const next = last.replace(LAST, '');
  const more = isTruncated
    ? `<NextContinuationToken>${next}</NextContinuationToken><NextMarker>${next}</NextMarker>`
    : '';
  return document(
    'ListBucketResult',
    `<Name>${listing.bucket}</Name><Prefix>${prefix}</Prefix><KeyCount>${items.length}</KeyCount>` +
      `<MaxKeys>${most}</MaxKeys><Delimiter>${delimiter}</Delimiter>` +
      `<IsTruncated>${isTruncated}</IsTruncated>${more}${items.join('')}`,
  );
}

export function document(root: string, inner: string): string {
  const start = `<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${start}${inner}</${root}>`;
}

function contents({ sizes, modified, etag }: Listing, key: string): string {
  const about = `<Key>${key}</Key><LastModified>${modified}</LastModified><ETag>${etag(key)}</ETag>`;
  return `<Contents>${about}<Size>${sizes.get(key)}</Size><StorageClass>STANDARD</StorageClass></Contents>`;
}

function commonPrefix(prefix: string): string {
  return `<CommonPrefixes><Prefix>${prefix}</Prefix></CommonPrefixes>`;
}

/** Where the first key is that comes after `text`, or is `text` itself. */
function firstBehind(keys: readonly string[], text: string, orSame = false): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const key = keys[middle] ?? '';
    if (key < text || (key === text && !orSame)) low = middle + 1;
    else high = middle;
  }
  return low;
}
