/** Watches the directory of its argument as the controller does, and prints a line per snapshot. */
import { openManifestDirectory } from '../../../src/drivers/manifest-directory.ts';
import { systemClock } from '../../../src/lib/clock.ts';

const source = await openManifestDirectory(process.argv[2] ?? '', { clock: systemClock });

function print(): void {
  const { trusted, manifests } = source.snapshot();
  const clusters = manifests.flatMap((manifest) => {
    if (manifest.kind !== 'BenchCluster') return [];
    const { metadata, spec } = manifest.object;
    const gone = manifest.origin.missing ? '!' : '';
    return [`${metadata.name}=${spec.workers[0]?.replicas}${gone}`];
  });
  process.stdout.write(`${JSON.stringify({ trusted, clusters })}\n`);
}

source.onChange(print);
print();
