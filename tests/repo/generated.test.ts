import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { staleFiles } from '../../scripts/generate.ts';
import { root } from './source-files.ts';

test('generated files are what the schemas make now', async () => {
  assert.deepEqual(await staleFiles(), [], 'run node scripts/generate.ts');
});

test('the check is a command with an exit code', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/generate.ts', '--check'], {
    cwd: root,
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(status, 0, stderr);
});
