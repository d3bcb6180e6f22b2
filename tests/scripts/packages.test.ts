/** The set-up: what is missing is found exactly, and the list names real packages. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { installCommand, missingFrom, parsePackageList } from '../../scripts/packages.ts';

const BOOTSTRAP = fileURLToPath(new URL('../../scripts/bootstrap', import.meta.url));

test('comments and empty lines are no packages', () => {
  assert.deepEqual(parsePackageList('# all\n\nqemu-utils # disks\n  mount\n'), [
    'qemu-utils',
    'mount',
  ]);
});

test('a package that was removed but not purged is missing', () => {
  const listing = 'mount installed\nqemu-utils config-files\nutil-linux installed\n';
  assert.deepEqual(missingFrom(['mount', 'qemu-utils', 'gpg'], listing), ['qemu-utils', 'gpg']);
});

test('the command names what is missing and nothing else', () => {
  const command = installCommand(['gpg', 'mount']);
  assert.equal(command, 'apt-get install --no-install-recommends --yes gpg mount');
});

/** A checkout with a fake npm and a fake Node, and what bootstrap did there. */
function bootstrapIn(prepare: (dir: string) => void): { ran: boolean; status: number | null } {
  const dir = mkdtempSync(join(tmpdir(), 'bootstrap-test-'));
  try {
    mkdirSync(join(dir, 'scripts'));
    mkdirSync(join(dir, 'bin'));
    cpSync(BOOTSTRAP, join(dir, 'scripts/bootstrap'));
    const node = 'printf "#!/bin/sh\\n" >node_modules/.bin/node; chmod +x node_modules/.bin/node';
    const npm = `#!/bin/sh\necho ran >npm-ran\nmkdir -p node_modules/.bin; ${node}\n`;
    writeFileSync(join(dir, 'bin/npm'), npm, { mode: 0o755 });
    writeFileSync(join(dir, 'package-lock.json'), '{}');
    prepare(dir);
    const env = { PATH: `${join(dir, 'bin')}:${process.env.PATH}` };
    const { status } = spawnSync('sh', [join(dir, 'scripts/bootstrap')], { env });
    const ran = spawnSync('test', ['-e', join(dir, 'npm-ran')]).status === 0;
    return { ran, status };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function installed(dir: string, ageSeconds: number): void {
  mkdirSync(join(dir, 'node_modules/.bin'), { recursive: true });
  writeFileSync(join(dir, 'node_modules/.bin/node'), '#!/bin/sh\n', { mode: 0o755 });
  const lock = join(dir, 'node_modules/.package-lock.json');
  writeFileSync(lock, '{}');
  const at = Date.now() / 1000 - ageSeconds;
  utimesSync(lock, at, at);
}

test('bootstrap installs into a bare checkout', () => {
  assert.deepEqual(
    bootstrapIn(() => {}),
    { ran: true, status: 0 },
  );
});

test('bootstrap leaves what is newer than the lock file', () => {
  assert.deepEqual(
    bootstrapIn((dir) => installed(dir, -10)),
    { ran: false, status: 0 },
  );
});

test('bootstrap installs again when the lock file is newer', () => {
  assert.deepEqual(
    bootstrapIn((dir) => installed(dir, 3600)),
    { ran: true, status: 0 },
  );
});
