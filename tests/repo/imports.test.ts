/** Who may import whom, and where each dependency lives. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { importsOf, root, typescriptUnder } from './source-files.ts';

/** The longest folder that matches is the layer of a file. Wiring is the part of `main` that builds. */
const mayImport: Record<string, string[]> = {
  'src/lib/': ['src/lib/'],
  'src/libvirt/': ['src/libvirt/'],
  'src/crd/': ['src/crd/', 'src/lib/'],
  'src/controllers/': ['src/controllers/', 'src/crd/', 'src/lib/'],
  'src/cli/': ['src/cli/', 'src/controllers/', 'src/crd/', 'src/lib/'],
  'src/drivers/': [
    'src/drivers/',
    'src/controllers/ports.ts',
    'src/crd/',
    'src/libvirt/',
    'src/lib/',
  ],
  'src/image/': ['src/image/', 'src/crd/', 'src/lib/'],
  // The simulated world takes the place of the drivers, under the very same controller.
  'src/sim/': ['src/sim/', 'src/drivers/', 'src/controllers/', 'src/crd/', 'src/lib/'],
};

/** A driver knows no other driver; what they share is in lib. */
const apart = ['src/drivers/ssh/', 'src/drivers/libvirt/'];

const homes: Record<string, string[]> = {
  yaml: ['src/crd/'],
  zod: ['src/crd/', 'src/drivers/', 'src/controllers/', 'src/image/'],
  chokidar: ['src/drivers/disk-files.ts'],
  ssh2: ['src/drivers/ssh/'],
  saxes: ['src/drivers/libvirt/'],
  xmlbuilder2: ['src/drivers/libvirt/'],
  pino: ['src/lib/log.ts'],
  commander: ['src/cli/'],
};

const sources = typescriptUnder('src');

test('imports go one way', () => {
  for (const file of sources) {
    const layer = Object.keys(mayImport).find((folder) => file.path.startsWith(folder));
    if (layer === undefined) continue;
    for (const { target } of importsOf(file)) {
      if (!target.startsWith('src/') && !/^(tests|scripts|lab|bench)\//.test(target)) continue;
      const allowed = mayImport[layer]?.some((folder) => target.startsWith(folder));
      assert(allowed, `${file.path} imports ${target}: put what both need in a lower layer`);
    }
  }
});

test('nothing but main builds drivers or is built of wiring', () => {
  for (const file of sources) {
    if (/^src\/(main\.ts|wiring\/|drivers\/|sim\/)/.test(file.path)) continue;
    for (const { target } of importsOf(file)) {
      assert.doesNotMatch(
        target,
        /^src\/(wiring|drivers|sim)\//,
        `${file.path}: take a port instead`,
      );
    }
  }
});

test('drivers do not know each other', () => {
  for (const file of sources) {
    const own = apart.find((folder) => file.path.startsWith(folder));
    if (own === undefined) continue;
    for (const { target } of importsOf(file)) {
      const other = apart.find((folder) => target.startsWith(folder));
      assert(other === undefined || other === own, `${file.path} imports ${target}`);
    }
  }
});

test('nothing outside a scheduler names one, but the registry', () => {
  for (const file of sources) {
    if (/^src\/controllers\/schedulers\/(registry\.ts|[a-z]+\/)/.test(file.path)) continue;
    for (const { target } of importsOf(file)) {
      assert.doesNotMatch(target, /^src\/controllers\/schedulers\/[a-z]+\//, file.path);
    }
  }
});

test('every dependency has a home, and is imported nowhere else', () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  assert.deepEqual(Object.keys(homes).sort(), Object.keys(dependencies).sort());
  for (const file of sources) {
    for (const { target } of importsOf(file)) {
      if (target.startsWith('node:') || target.startsWith('src/') || target.includes('/')) continue;
      const home = homes[target];
      assert(home, `${file.path} imports ${target}, which is not a dependency`);
      assert(
        home.some((folder) => file.path.startsWith(folder)),
        `${file.path} imports ${target}: its home is ${home.join(', ')}`,
      );
    }
  }
});

test('every dependency is used', () => {
  const used = new Set(sources.flatMap(importsOf).map(({ target }) => target));
  for (const name of Object.keys(homes)) assert(used.has(name), `nothing imports ${name}`);
});

test('the libvirt client could be published by itself', () => {
  for (const file of sources.filter(({ path }) => path.startsWith('src/libvirt/'))) {
    for (const { target } of importsOf(file)) {
      assert(target.startsWith('node:') || target.startsWith('src/libvirt/'), file.path);
    }
  }
});
