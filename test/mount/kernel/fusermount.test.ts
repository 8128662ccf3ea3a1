import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { FacetError, type FacetErrorCode } from '../../../src/errors.js';
import { type MountOptions, openMount, optionList, unmount } from '../../../src/mount/kernel/fusermount.js';

/** Runs `body` with a `fusermount3` on the path that writes `says` to stderr and exits with 1. */
async function withHelperThatSays(says: string, body: () => Promise<void>): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'facet-helper-'));
  const before = process.env.PATH;
  fs.writeFileSync(path.join(folder, 'fusermount3'), `#!/bin/sh\necho '${says}' >&2\nexit 1\n`, {
    mode: 0o755,
  });
  process.env.PATH = `${folder}:${before}`;
  try {
    await body();
  } finally {
    process.env.PATH = before;
    fs.rmSync(folder, { recursive: true });
  }
}

function isFacetError(code: FacetErrorCode, says: RegExp, hint: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof FacetError);
    assert.equal(error.code, code);
    assert.match(error.message, says);
    assert.match(error.hint ?? '', hint);
    return true;
  };
}

describe('mount options', () => {
  const CASES: [MountOptions, string][] = [
    [{}, 'nosuid,nodev,ro'],
    [{ readOnly: false }, 'nosuid,nodev,rw'],
    [{ allowOther: true, defaultPermissions: true }, 'nosuid,nodev,ro,allow_other,default_permissions'],
    [{ maxRead: 1048576 }, 'nosuid,nodev,ro,max_read=1048576'],
    [{ fsname: 'a,b\\c', subtype: 'facet' }, 'nosuid,nodev,ro,fsname=a\\,b\\\\c,subtype=facet'],
  ];
  for (const [options, expected] of CASES) {
    it(expected, () => assert.equal(optionList(options), expected));
  }
});

/** The messages are those of util/fusermount.c in libfuse 3.14. */
const FAILURES: [string, FacetErrorCode, RegExp][] = [
  ["fuse device not found, try 'modprobe fuse' first", 'denied', /modprobe fuse/],
  ['failed to open /dev/fuse: Permission denied', 'denied', /\/dev\/fuse/],
  [
    "option allow_other only allowed if 'user_allow_other' is set in /etc/fuse.conf",
    'denied',
    /user_allow_other/,
  ],
  ['user has no write access to mountpoint /mnt', 'denied', /belongs to you/],
  ['mountpoint /mnt not owned by user', 'denied', /belongs to you/],
  ['too many FUSE filesystems mounted; mount_max=N can be set in /etc/fuse.conf', 'denied', /mount_max/],
  ['bad mount point /mnt: Transport endpoint is not connected', 'in-use', /fusermount3 -u/],
  ['failed to unmount /mnt: Device or resource busy', 'in-use', /fuser/],
  ['mount failed: Operation not permitted', 'denied', /setuid/],
];

describe('failures of fusermount3', () => {
  for (const [says, code, hint] of FAILURES) {
    it(says, async () => {
      // The shell that plays the helper takes the message in single quotes.
      const words = says.replaceAll("'", '');
      const literal = words.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      await withHelperThatSays(words, () =>
        assert.rejects(openMount('/mnt', {}), isFacetError(code, new RegExp(literal), hint)),
      );
    });
  }

  it('a helper that is not installed', async () => {
    const before = process.env.PATH;
    process.env.PATH = '/nonexistent';
    try {
      await assert.rejects(
        openMount('/mnt', {}),
        isFacetError('failed', /not installed/, /apt install fuse3/),
      );
    } finally {
      process.env.PATH = before;
    }
  });

  it('a mountpoint that does not exist, or is a file', async () => {
    await assert.rejects(
      openMount('/nonexistent/dir', {}),
      isFacetError('not-found', /No such file/, /create/),
    );
    const file = path.join(os.tmpdir(), `facet-file-${process.pid}`);
    fs.writeFileSync(file, '');
    try {
      await assert.rejects(
        openMount(path.join(file, 'x'), {}),
        isFacetError('usage', /Not a directory/, /folder/),
      );
    } finally {
      fs.rmSync(file);
    }
  });

  it('unmounting what is not mounted', async () => {
    await assert.rejects(
      unmount(os.tmpdir()),
      isFacetError('not-found', /cannot unmount/, /nothing is mounted/),
    );
  });
});
