/** Which addresses can be sources. */
import { FacetError } from '../../errors.js';
import { parseUrl } from '../web/address.js';

/** Throws `usage`. */
export function checkHttpUri(uri: string): URL {
  const url = parseUrl(uri);
  if (url === undefined || url.hostname === '') {
    throw new FacetError('usage', `${uri} is no address`, { hint: 'write https://host/folder/' });
  }
  if (url.username !== '' || url.password !== '') {
    throw new FacetError('usage', `an address with a password is not kept: ${url.protocol}//…@${url.host}`, {
      hint: 'configure the server as a remote of rclone, and add rclone:remote:',
    });
  }
  if (url.search === '' && url.hash === '') return url;
  throw new FacetError('usage', `${uri} is no folder: it has a question mark or a # in it`, {
    hint: 'write https://host/folder/, or percent-encode what is part of a name: %3F, %23',
  });
}

/** The same for all spellings of an address: letters and digits need no percent sign (RFC 3986, 6.2.2). */
export function plainUrl({ href }: URL): string {
  return href.replace(/%[\da-f]{2}/gi, encoded => {
    const plain = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
    return /[\w.~-]/.test(plain) ? plain : encoded.toUpperCase();
  });
}
