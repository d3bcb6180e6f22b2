/** `benchctl image …`: builds from recipes into the user's cache, and writes the manifest. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuiltImage as BuiltReport, CachedImage, ImageTools } from '../cli/image-tools.ts';
import { artifactVolume } from '../controllers/bench-cluster/desired.ts';
import type { BenchHost } from '../crd/bench-host.ts';
import { apiVersion } from '../crd/field.ts';
import { qualifiedName } from '../crd/references.ts';
import { buildImage } from '../image/build.ts';
import { type BuiltImage, listImages } from '../image/manifest.ts';
import { readRecipe } from '../image/recipe.ts';
import type { TrialHost } from '../image/trial-host.ts';
import { createLog } from '../lib/log.ts';

const recipes = fileURLToPath(new URL('../../images', import.meta.url));

export function imageTools(env: Readonly<Record<string, string | undefined>>): ImageTools {
  return {
    async build({ recipe, force }, progress, signal) {
      const folder = recipe.includes('/') ? recipe : join(recipes, recipe);
      let reused = false;
      const image = await buildImage(await readRecipe(folder), {
        force,
        signal,
        progress: ({ stage, line }) => {
          reused ||= stage === 'cached';
          progress({ stage, ...(line && { message: line }) });
        },
      });
      const manifest = join(image.dir, 'bench-image.yaml');
      await writeFile(manifest, imageManifest(image));
      return report(image, manifest, reused);
    },
    async verify(name, host, progress, signal) {
      const image = (await listImages()).find(({ manifest }) => manifest.name === name);
      if (image === undefined)
        throw new Error(`image ${name} is not built: benchctl image build ${name}`);
      const { verifyImage } = await import('../image/verify.ts');
      return withTrialHost(host, env, async (trial) => {
        const { checks } = await verifyImage(image, trial, {
          signal,
          progress: (stage, elapsedMs) =>
            progress({ stage: 'verify', message: `${stage} ${(elapsedMs / 1000).toFixed(1)} s` }),
        });
        return checks.map(({ ok, ...check }) => ({ ...check, passed: ok }));
      });
    },
    async cached() {
      return (await listImages()).map(cachedImage);
    },
    async remove({ dir }) {
      // What is not an image of the cache (any more) is left alone.
      const image = (await listImages()).find((known) => known.dir === dir);
      if (image) await rm(image.dir, { recursive: true, force: true });
    },
  };
}

/** Reached as the controller reaches it, with the pool and the domain type of its manifest. */
async function withTrialHost<T>(
  host: BenchHost,
  env: Readonly<Record<string, string | undefined>>,
  use: (trial: TrialHost) => Promise<T>,
): Promise<T> {
  const { Hosts } = await import('./hosts.ts');
  const { openTrialHost } = await import('./trial-host.ts');
  const hosts = new Hosts({ installation: '', log: createLog('silent'), env });
  const { pool, domainType } = host.spec;
  const trial = openTrialHost({
    dial: hosts.dial(host),
    dialGuest: (address, port, signal) =>
      hosts.dialGuest(qualifiedName(host.metadata), address, port, signal),
    pool,
    ...(domainType && { domainType }),
  });
  try {
    return await use(trial);
  } finally {
    await trial.close();
    await hosts.close();
  }
}

/** The BenchImage of a built image, as YAML. JSON strings are YAML strings. */
export function imageManifest({ manifest, disk, kernel, initrd }: BuiltImage): string {
  const file = (path: string, sha256: string) =>
    `{path: ${JSON.stringify(path)}, sha256: ${sha256}}`;
  return `# Written by benchctl image build; the files are in the cache of images.
apiVersion: ${apiVersion}
kind: BenchImage
metadata:
  name: ${manifest.name}
spec:
  source: ${file(disk, manifest.disk.sha256)}
  boot:
    kernel: ${file(kernel, manifest.kernel.sha256)}
    initrd: ${file(initrd, manifest.initrd.sha256)}
    cmdline: ${JSON.stringify(manifest.cmdline)}
  access: ${manifest.access}
  user: ${manifest.user}
  provides: [${manifest.provides.join(', ')}]
`;
}

function report(image: BuiltImage, manifest: string, reused: boolean): BuiltReport {
  const { name, disk } = image.manifest;
  return { name, manifest, disk: image.disk, sha256: disk.sha256, bytes: disk.size, reused };
}

function cachedImage({ manifest, dir, disk, kernel, initrd }: BuiltImage): CachedImage {
  const { name, builtAt } = manifest;
  return {
    name,
    sha256: manifest.disk.sha256,
    dir,
    files: [disk, kernel, initrd],
    volumes: [
      artifactVolume(name, manifest.disk.sha256, 'qcow2'),
      artifactVolume(name, manifest.kernel.sha256, 'vmlinuz'),
      artifactVolume(name, manifest.initrd.sha256, 'initrd'),
    ],
    bytes: manifest.disk.size,
    createdAt: builtAt,
  };
}
