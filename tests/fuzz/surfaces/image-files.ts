/**
 * What the building and checking of images reads back: image.json, recipe.json, and the facts of
 * the guest that was booted to look at it. The first byte of the input says which.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseFacts } from '../../../src/image/guest-facts.ts';
import { ImageError } from '../../../src/image/image-error.ts';
import { MANIFEST_FILE, readImage } from '../../../src/image/manifest.ts';
import { readRecipe } from '../../../src/image/recipe.ts';
import { bytesOf, type Surface, textOf, valueOr } from '../surface.ts';
import { checkCuts, checkNumbers } from './cuts.ts';

const part = (name: string) => ({ name, size: 10, sha256: 'ab'.repeat(32) });
const manifest = {
  ...{ name: 'debian-slurm', recipe: 'cd'.repeat(32), builtAt: '2026-01-02T03:04:05.678Z' },
  ...{
    provides: ['slurm'],
    user: 'root',
    access: 'SystemdCredentials',
    cmdline: 'root=/dev/vda rw',
  },
  disk: { ...part('disk.qcow2'), format: 'qcow2', virtualSize: 2 ** 32 },
  ...{ kernel: part('vmlinuz'), initrd: part('initrd'), packages: { slurmd: '22.05.8-4' } },
};
const recipe = {
  ...{ name: 'tiny', suite: 'bookworm', packages: ['systemd'], provides: ['slurm'] },
  ...{ initrdModules: ['virtio_blk'], cmdline: 'root=/dev/vda rw', exclude: ['/usr/share/doc/*'] },
};
const facts = `systemState\trunning
productUuid\tA0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11
machineId\t${'a'.repeat(32)}
hostKeys\tssh_host_ed25519_key
authorizedKeys\tssh-ed25519 AAAA me
rootBytes\t4096
nameServers\t10.0.0.1
leftovers\tvar/log/a
done\t1
`;

const inputs: readonly { good: string; check(bytes: Uint8Array): void | Promise<void> }[] = [
  { good: JSON.stringify(manifest), check: checkManifest },
  { good: JSON.stringify(recipe), check: checkRecipe },
  { good: facts, check: checkFacts },
];

let made: string | undefined;

function place(): string {
  if (made !== undefined) return made;
  const directory = mkdtempSync(join(tmpdir(), 'benchcluster-fuzz-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(join(directory, 'image'));
  mkdirSync(join(directory, 'recipe'));
  made = directory;
  return directory;
}

async function checkManifest(bytes: Uint8Array): Promise<void> {
  const dir = join(place(), 'image');
  writeFileSync(join(dir, MANIFEST_FILE), bytes);
  const image = await readImage(dir);
  if (image === undefined) return;
  checkNumbers(image);
  for (const file of [image.disk, image.kernel, image.initrd]) {
    assert.match(relative(dir, file), /^[^/.][^/]*$/, 'a file outside of its folder');
  }
  const { name, builtAt, user, cmdline, disk, kernel, initrd, provides } = image.manifest;
  for (const text of [name, builtAt, user, cmdline]) assert.equal(typeof text, 'string');
  for (const { sha256 } of [disk, kernel, initrd]) assert.match(sha256, /^[0-9a-f]{64}$/);
  assert(provides.every((word) => typeof word === 'string') && disk.format === 'qcow2');
}

async function checkRecipe(bytes: Uint8Array): Promise<void> {
  const dir = join(place(), 'recipe');
  writeFileSync(join(dir, 'recipe.json'), bytes);
  try {
    const { packages, exclude } = await readRecipe(dir);
    for (const word of [...packages, ...exclude]) assert.doesNotMatch(word, /^-|\s/, 'an option');
  } catch (error) {
    assert(error instanceof ImageError && error.code === 'RECIPE_INVALID', String(error));
    assert(error.message.includes('recipe.json'), 'names no file');
  }
}

function checkFacts(bytes: Uint8Array): void {
  const read = (text: string) =>
    valueOr(
      () => parseFacts(text),
      (error) => error instanceof ImageError,
    );
  const text = textOf(bytes);
  const whole = read(text);
  if (whole === undefined) return;
  checkNumbers(whole);
  checkCuts(text, read);
}

export const imageFiles: Surface = {
  name: 'image-files',
  property: 'a sane image, recipe or answer, or none at all; no file outside of its folder',
  covers: ['image/manifest.ts', 'image/recipe.ts', 'image/guest-facts.ts'],
  tokens: [
    ...['{', '}', '[', ']', ':', ',', '"', 'null', '1e400', '-1', '../', '/etc/passwd', '\ufeff'],
    ...['"disk":', '"kernel":', '"name":', '"size":', '"sha256":', '"packages":', 'done\t1\n'],
    ...['rootBytes\t', '\t', '\n', '\u0000', 'leftovers\tx\n', '-o', '__proto__'],
  ],
  maxBytes: 4 * 1024,
  limitMs: 100,
  seeds: () =>
    inputs.flatMap(({ good }, index) => [
      Buffer.concat([Buffer.from([index]), bytesOf(good)]),
      Buffer.from([index]),
    ]),
  async check(bytes) {
    const index = (bytes[0] ?? 0) % inputs.length;
    await inputs[index]?.check(bytes.subarray(1));
  },
};
