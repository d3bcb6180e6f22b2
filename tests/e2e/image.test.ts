/** The image of the project, built from its recipe and booted in a lab: it holds the whole contract. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startLab } from '../../lab/start.ts';
import { buildImage } from '../../src/image/build.ts';
import { readRecipe } from '../../src/image/recipe.ts';
import { verifyImage } from '../../src/image/verify.ts';

const RECIPE = fileURLToPath(new URL('../../images/debian-slurm', import.meta.url));
const skip = process.getuid?.() === 0 ? false : 'a private libvirt needs root';

test('the Slurm image keeps its contract', { skip, timeout: 600_000 }, async (context) => {
  const image = await buildImage(await readRecipe(RECIPE));
  await using lab = await startLab({ kernel: image.kernel });
  const domainType = lab.kvm ? 'kvm' : 'qemu';
  const report = await verifyImage(image, { host: lab, domainType });
  context.diagnostic(`agent ${report.agentMs} ms, address ${report.addressMs} ms`);
  context.diagnostic(`SSH session ${report.sshMs} ms after the start, ${domainType}`);
  const failed = report.checks.filter((check) => !check.ok);
  assert.deepEqual(failed, []);
  const left = ['vol-list default', 'net-list --all --name', 'list --all --name'];
  for (const what of left) {
    const { stdout } = await lab.exec(['virsh', '-q', ...what.split(' ')]);
    assert.equal(stdout.trim(), '', `left of ${what}`);
  }
});
