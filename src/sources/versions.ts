/** What the name of a version says about contents. */

/** Does an equal version of another file, of the same source and size, mean equal contents? True of strong entity tags (RFC 9110, 8.8.3). */
export function isStrong(version: string | null): version is string {
  return version !== null && /^"[^"]+"$/.test(version);
}

/** Is it made from the contents, whoever has them? S3 does so: an MD5, or one of the parts' MD5s and how many they were. */
export function isDigest(version: string, uri: string): boolean {
  return uri.startsWith('s3:') && /^"[0-9a-f]{32}(-[0-9]+)?"$/.test(version);
}
