/** Whatever goes wrong while an image is booted for its check, nothing of the check remains. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BuiltImage } from '../../src/image/manifest.ts';
import { bootTrialGuest } from '../../src/image/trial-guest.ts';
import type { TrialHost } from '../../src/image/trial-host.ts';

const file = (name: string) => ({ name, size: 1, sha256: 'a'.repeat(64) });
const image: BuiltImage = {
  dir: '/cache',
  disk: '/cache/disk.qcow2',
  kernel: '/cache/vmlinuz',
  initrd: '/cache/initrd',
  manifest: {
    name: 'tiny',
    recipe: 'r',
    builtAt: '2026-01-01T00:00:00Z',
    provides: [],
    user: 'root',
    access: 'SystemdCredentials',
    cmdline: 'root=/dev/vda "a<b"',
    disk: { ...file('disk.qcow2'), format: 'qcow2', virtualSize: 1 },
    kernel: file('vmlinuz'),
    initrd: file('initrd'),
    packages: {},
  },
};
const options = { memoryMiB: 64, diskBytes: 2 ** 30 };

/** Holds names. The effect numbered `failAt` is done and fails, as when its answer is lost. */
class MemoryHost implements TrialHost {
  readonly publicKey = 'ssh-ed25519 AAAA';
  readonly present = new Set<string>();
  readonly domains: string[] = [];
  readonly failAt: number;
  readonly stuck: string | undefined;
  #effects = 0;

  constructor(failAt = -1, stuck?: string) {
    this.failAt = failAt;
    this.stuck = stuck;
  }

  async #make(name: string): Promise<void> {
    this.present.add(name);
    this.#effects += 1;
    if (this.#effects === this.failAt) throw new Error('the answer is lost');
  }

  async #remove(name: string): Promise<void> {
    if (this.stuck !== undefined && name.endsWith(this.stuck)) throw new Error('busy');
    this.present.delete(name);
  }

  domainType = async () => 'qemu' as const;
  createNetwork = (xml: string) => this.#make(/<name>([^<]+)/.exec(xml)?.[1] ?? '');
  removeNetwork = (name: string) => this.#remove(name);
  removeVolume = (name: string) => this.#remove(name);
  createDomain = (xml: string) => {
    this.domains.push(xml);
    return this.#make(/<uuid>([^<]+)/.exec(xml)?.[1] ?? '');
  };
  removeDomain = (uuid: string) => this.#remove(uuid);
  lease = async () => undefined;
  agent = async () => ({});
  run = async () => ({ stdout: '' });

  async upload(volume: string): Promise<string> {
    await this.#make(volume);
    return `/pool/${volume}`;
  }

  createDisk = (volume: string) => this.upload(volume);
}

test('a guest is a network, four volumes and a domain, and all of it goes', async () => {
  const host = new MemoryHost();
  const guest = await bootTrialGuest(host, image, options);
  assert.equal(host.present.size, 6);
  assert.match(host.domains[0] ?? '', /<cmdline>root=\/dev\/vda &quot;a&lt;b&quot;<\/cmdline>/);
  await guest.remove();
  assert.deepEqual([...host.present], []);
});

// The first effect is the network, which is tried again under the same name.
for (const step of [2, 3, 4, 5, 6]) {
  test(`a boot whose effect ${step} fails leaves nothing`, async () => {
    const host = new MemoryHost(step);
    await assert.rejects(bootTrialGuest(host, image, options), /the answer is lost/);
    assert.deepEqual([...host.present], []);
  });
}

test('what cannot be removed is named, and the rest goes', async () => {
  const host = new MemoryHost(-1, '-kernel');
  const guest = await bootTrialGuest(host, image, options);
  const left = `${guest.name}-kernel`;
  await assert.rejects(guest.remove(), {
    code: 'NOT_REMOVED',
    facts: { left: [`volume ${left}`] },
  });
  assert.deepEqual([...host.present], [left]);
});
