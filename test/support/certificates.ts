/** Certificates that nobody knows but who is told of their authority. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Files, each PEM. */
export interface Certificates {
  ca: string;
  /** For `files.example` and 127.0.0.1. */
  certFile: string;
  keyFile: string;
}

export function makeCertificates(folder: string): Certificates {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=Test', '-days', '2');
  const authority = ['-CA', 'ca.pem', '-CAkey', 'ca.key'];
  const names = ['-subj', '/CN=files.example', '-addext', 'subjectAltName=DNS:files.example,IP:127.0.0.1'];
  openssl('req', '-x509', ...authority, ...key, '-keyout', 'key', '-out', 'cert', ...names);
  return { ca: join(folder, 'ca.pem'), certFile: join(folder, 'cert'), keyFile: join(folder, 'key') };
}
