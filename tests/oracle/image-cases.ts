/** Cases of the checkers about images, which clusters share. */
import type { Case } from './case.ts';
import { cluster, imageVolume, type Scene } from './scene.ts';

const deletion = { host: 'h', kind: 'deleteVolume', name: imageVolume } as const;

/** Its deletion is ordered and on record. */
function leaving(scene: Scene): Scene {
  scene.wait(10_000).withdraw();
  return scene.act({ kind: 'putCluster', cluster, record: { deletionTimestamp: 'now' } });
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
];
