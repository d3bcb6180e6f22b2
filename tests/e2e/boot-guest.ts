/**
 * A guest of the project's image on the libvirt of a lab, all of it through the driver: files
 * uploaded, network, disk and domain made, started, and proven by what the guest itself tells.
 */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import type { LabOptions } from '../../lab/start.ts';
import { buildImage } from '../../src/image/build.ts';
import { readRecipe } from '../../src/image/recipe.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { openHypervisorLab } from '../contract/hypervisor-lab.ts';
import { domainSpec, networkSpec } from '../drivers/libvirt/specs.ts';
import { eventually } from './test-bench.ts';

const recipe = fileURLToPath(new URL('../../images/debian-slurm', import.meta.url));
const bootTimeoutMs = 180_000;

export async function bootGuest(options: LabOptions): Promise<void> {
  const image = await buildImage(await readRecipe(recipe));
  const { hypervisor, close } = await openHypervisorLab(systemClock, options);
  const signal = AbortSignal.timeout(2 * bootTimeoutMs);
  try {
    for (const part of ['disk', 'kernel', 'initrd'] as const) {
      const artifact = {
        volume: part,
        sourcePath: image[part],
        sha256: image.manifest[part].sha256,
      };
      await hypervisor.uploadArtifact(artifact, () => undefined, signal);
    }
    const network = networkSpec({ forward: 'nat' });
    await hypervisor.createNetwork(network, signal);
    const { cmdline, disk } = image.manifest;
    const boot = { kernel: 'kernel', initrd: 'initrd', cmdline };
    const spec = domainSpec(0, { network: network.name, memoryBytes: 512 * 2 ** 20, boot });
    const overlay = { name: spec.volume, capacityBytes: disk.virtualSize, backingVolume: 'disk' };
    await hypervisor.createVolume(overlay, signal);
    await hypervisor.defineDomain(spec, signal);
    await hypervisor.changeDomain('start', spec, signal);
    try {
      const key = await eventually(
        'the host key of the guest',
        () => hypervisor.hostKey(spec.uuid, signal).catch(String),
        (answer) => answer.startsWith('ssh-ed25519 '),
        bootTimeoutMs,
      );
      assert.match(key, /^ssh-ed25519 [A-Za-z0-9+/]{68}$/);
      const found = await eventually(
        'an address of the guest',
        () => hypervisor.guestAddresses(spec.uuid, signal),
        (addresses) => addresses.length > 0,
      );
      assert.equal(found[0]?.mac, spec.mac);
      const { networks } = await hypervisor.inventory(signal);
      const { leases = [] } = networks.find(({ name }) => name === network.name) ?? {};
      assert.deepEqual(
        leases.map(({ mac, address }) => ({ mac, address })),
        found,
      );
    } catch (error) {
      const end = await hypervisor.consoleLog(spec.volume, 4096, signal).catch(String);
      throw new Error(`the guest did not come up; its console ends: ${end}`, { cause: error });
    }
    await hypervisor.changeDomain('destroy', spec, signal);
    await hypervisor.changeDomain('undefine', spec, signal);
    assert.deepEqual((await hypervisor.inventory(signal)).domains, []);
  } finally {
    await close();
  }
}
