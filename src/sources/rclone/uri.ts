/** `rclone:remote:path` */
import { FacetError } from '../../errors.js';

export interface RcloneAddress {
  /** With its colon. */
  remote: string;
  /** '' or ends in a slash. */
  path: string;
}

/** Throws `usage`. */
export function parseRcloneUri(uri: string): RcloneAddress {
  const match = /^rclone:([^:/\0[\]]+:)([^\0]*)$/s.exec(uri);
  if (match?.[1] === undefined) {
    throw new FacetError('usage', `${uri} names no remote of rclone`, {
      hint: 'write rclone:remote:path, with a remote of rclone listremotes',
    });
  }
  const path = match[2] ?? '';
  return { remote: match[1], path: path === '' || path.endsWith('/') ? path : `${path}/` };
}
