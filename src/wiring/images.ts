/** `benchctl image …`: builds from recipes into the user's cache, and writes the manifest. */
import { rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuiltImage as BuiltReport, ImageCopy, ImageTools } from '../cli/image-tools.ts';
import { apiVersion } from '../crd/field.ts';
import { buildImage } from '../image/build.ts';
import { type BuiltImage, listImages } from '../image/manifest.ts';
import { readRecipe } from '../image/recipe.ts';

const recipes = fileURLToPath(new URL('../../images', import.meta.url));

export function imageTools(): ImageTools {
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
    async verify(name, progress, signal) {
      const image = (await listImages()).find(({ manifest }) => manifest.name === name);
      if (image === undefined)
        throw new Error(`image ${name} is not built: benchctl image build ${name}`);
      const { verifyImage } = await import('../image/verify.ts');
      const { checks } = await verifyImage(image, {
        signal,
        progress: (stage, elapsedMs) =>
          progress({ stage: 'verify', message: `${stage} ${(elapsedMs / 1000).toFixed(1)} s` }),
      });
      return checks.map(({ ok, ...check }) => ({ ...check, passed: ok }));
    },
    async list() {
      return (await listImages()).map(copyOf);
    },
    async prune({ dryRun }) {
      const images = await listImages();
      // The newest of a name is what its recipe makes; the others are of earlier recipes.
      const newest = new Set<string>();
      const old = images.filter(({ manifest }) => {
        const known = newest.has(manifest.name);
        newest.add(manifest.name);
        return known;
      });
      if (!dryRun) for (const { dir } of old) await rm(dir, { recursive: true, force: true });
      return old.map(copyOf);
    },
  };
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

function copyOf({ manifest, disk, dir }: BuiltImage): ImageCopy {
  return {
    name: manifest.name,
    sha256: manifest.disk.sha256,
    place: `cache ${basename(dir)}`,
    file: disk,
    bytes: manifest.disk.size,
    usedBy: [],
    createdAt: manifest.builtAt,
  };
}
