/** What S8 says of lives in which a source takes away much at once. */
import type { Case } from './case.ts';
import { cluster, type Scene } from './scene.ts';

export const breakerCases: Case[] = [
  {
    id: 'S8',
    what: 'most workers go by one edit',
    bad: (scene) => shrinkTo(six(scene), 1).drain('a-w-5').change('destroy', 'a-w-5'),
    good(scene) {
      shrinkTo(six(scene), 1).tellHeld(revisions[0]).wait(1000).confirm(revisions[0]);
      scene.drain('a-w-5').change('destroy', 'a-w-5').deleteDisk('a-w-5');
    },
  },
  {
    id: 'S8',
    what: 'what is held is drained',
    bad: (scene) => shrinkTo(six(scene), 1).drain('a-w-1'),
    good(scene) {
      shrinkTo(six(scene), 1);
      scene.order({ workers: 1, memory: '2Gi' });
      scene.drain('a-w-1').change('destroy', 'a-w-1').deleteDisk('a-w-1');
    },
  },
  {
    id: 'S8',
    what: 'what is held is drained, and its scheduler still heard it',
    bad: (scene) => shrinkTo(six(scene), 1).drain('a-w-1'),
    good(scene) {
      // A node whose machine went off by itself is told to take no job until it is back.
      shrinkTo(six(scene), 1).record('a-w-1').up = false;
      scene.drain('a-w-1');
    },
  },
  {
    id: 'S8',
    what: 'most workers go bit by bit, within a moment',
    bad: (scene) => dwindle(scene, 10_000),
    good: (scene) => dwindle(scene, 100_000),
  },
  {
    id: 'S8',
    what: 'a confirmation lets more go than was told',
    bad(scene) {
      shrinkTo(six(scene), 2).tellHeld(revisions[0]).wait(1000);
      shrinkTo(scene, 1).confirm(revisions[0]).drain('a-w-1');
    },
    good(scene) {
      shrinkTo(six(scene), 2).tellHeld(revisions[0]).wait(1000);
      shrinkTo(scene, 1).tellHeld(revisions[1]).confirm(revisions[1]).drain('a-w-1');
    },
  },
  {
    id: 'S8',
    what: 'less is asked for than was held, and that is still too much',
    bad: (scene) => shrinkTo(shrinkTo(six(scene), 1).wait(60_000), 2).drain('a-w-5'),
    good: (scene) => shrinkTo(shrinkTo(six(scene), 1).wait(60_000), 5).drain('a-w-5'),
  },
  {
    id: 'S8',
    what: 'an installation of more than a few small clusters goes with one cluster',
    bad(scene) {
      scene.order({ workers: 40 });
      scene.stored();
      scene.withdraw();
      scene.drain('a-w-1').change('destroy', 'a-w-1');
    },
    good(scene) {
      scene.order({ workers: 40 });
      scene.stored();
      scene.held.requests = [cluster];
      scene.withdraw();
      scene.drain('a-w-1').change('destroy', 'a-w-1');
    },
  },
];

/** As a controller names them. */
const revisions = ['0123456789ab', 'ba9876543210'] as const;

/** Six workers instead of two, for long. */
function six(scene: Scene): Scene {
  scene.order({ workers: 6 });
  return scene.stored().make('a-w-2', 'a-w-3', 'a-w-4', 'a-w-5').wait(200_000);
}

function shrinkTo(scene: Scene, workers: number): Scene {
  scene.order({ workers });
  return scene;
}

function dwindle(scene: Scene, waitMs: number): void {
  shrinkTo(six(scene), 4).stored().wait(waitMs);
  shrinkTo(scene, 2).drain('a-w-3').change('destroy', 'a-w-3');
}
