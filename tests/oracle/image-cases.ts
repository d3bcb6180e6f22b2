/** Cases of the checkers about images, which clusters share. */
import type { Case } from './case.ts';
import { cluster, imageVolume, type Scene } from './scene.ts';

const deletion = { host: 'h', kind: 'deleteVolume', name: imageVolume } as const;

/** Its deletion is ordered and on record. */
function leaving(scene: Scene): Scene {
  scene.wait(10_000).withdraw();
  return scene.act({ kind: 'putCluster', cluster, record: { deletionTimestamp: 'now' } });
}

/** A worker that is made after the image was built anew, with this one on record. */
function madeAfterRebuild(scene: Scene, recorded: string): Scene {
  const image = (sha256: string) => ({
    metadata: { namespace: 'default', name: 'debian' },
    spec: { source: { sha256 } },
  });
  scene.order({ workers: 3 });
  scene.held.manifests = scene.held.manifests.map((manifest) =>
    manifest.kind === 'BenchImage' ? { ...manifest, object: image('b'.repeat(64)) } : manifest,
  );
  scene.oracle.sourceChanged();
  scene.wait(10_000).act({ kind: 'putCluster', cluster, record: { images: [image(recorded)] } });
  return scene.wait(1000).make('a-w-2').wait(60_000);
}

export const imageCases: Case[] = [
  {
    id: 'S1',
    what: 'an image is to go that disks are on, by no listing that missed what goes with it',
    bad(scene) {
      scene.wait(10_000).act(deletion);
    },
    good(scene) {
      leaving(scene).act(deletion);
    },
  },
  {
    id: 'S9',
    what: 'an image really goes while disks are on it',
    bad(scene) {
      leaving(scene).act(deletion, () => scene.removeVolume(imageVolume));
    },
    good(scene) {
      leaving(scene).act(deletion);
    },
  },
  {
    id: 'S7',
    what: 'an image is deleted that a cluster needs',
    bad: (scene) => scene.act(deletion),
    good: (scene) => scene.act({ host: 'h', kind: 'deleteVolume', name: 'debian-bbb.qcow2' }),
  },
  {
    id: 'S7',
    what: 'a machine of the image that the controller has read is replaced',
    bad: (scene) =>
      madeAfterRebuild(scene, 'b'.repeat(64)).drain('a-w-2').change('destroy', 'a-w-2'),
    // The image was built anew and the source went away at once: the record is of the one before.
    good: (scene) =>
      madeAfterRebuild(scene, 'a'.repeat(64)).drain('a-w-2').change('destroy', 'a-w-2'),
  },
];
