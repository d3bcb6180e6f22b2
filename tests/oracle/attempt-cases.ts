/** Cases of S16 about what failed and is tried again. */
import type { Case } from './case.ts';
import type { Act } from './oracle.ts';
import { imageVolume, type Scene } from './scene.ts';

export const attemptCases: Case[] = [
  {
    id: 'S16',
    what: 'what failed is tried again at once',
    bad: (scene) => failing(scene, 500),
    good: (scene) => failing(scene, 4000),
  },
  {
    id: 'S16',
    what: 'what failed is tried again at once, unless it was only not answered',
    bad: (scene) => failing(scene, 500),
    good: (scene) => failing(scene, 500, true),
  },
  {
    id: 'S16',
    what: 'what failed is tried again at once, unless a listing of before ended its back-off',
    bad: (scene) => failing(scene, 500),
    good(scene) {
      for (const _ of [1, 2]) {
        upload(scene).ended(new Error('no route'));
        scene.wait(100).oracle.misled();
      }
    },
  },
  {
    id: 'S16',
    what: 'what failed is tried again at once, unless it was asked for by a listing of before',
    bad: (scene) => failing(scene, 500),
    good(scene) {
      scene.oracle.misled();
      upload(scene).ended(new Error('no route'));
      failing(scene.wait(60_000), 1500, false, 2);
    },
  },
  {
    id: 'S16',
    what: 'what failed is tried again at once, unless the process that heard of it is dead',
    bad: (scene) => failing(scene, 500),
    good(scene) {
      const act = upload(scene);
      scene.oracle.processStarted();
      act.ended(new Error('no answer in time'));
      upload(scene);
    },
  },
  {
    id: 'S16',
    what: 'an effect is asked for while it is under way, whatever a dead process is told',
    bad(scene) {
      const act = upload(scene);
      scene.oracle.processStarted();
      upload(scene);
      act.ended();
      upload(scene);
    },
    good(scene) {
      upload(scene).ended();
      upload(scene);
    },
  },
  {
    id: 'S16',
    what: 'more nodes are replaced at a time than the pool can spare, all asked for at once',
    bad: (scene) => poweringOff(scene, (act) => act),
    good: (scene) => poweringOff(scene, (act) => act.ended(new Error('refused'))),
  },
];

/** One after the other is asked for, and that is what becomes of each before the next. */
function poweringOff(scene: Scene, become: (act: Act) => unknown): void {
  scene.order({ memory: '2Gi' });
  for (const node of ['a-w-0', 'a-w-1']) {
    scene.drain(node);
    const { uuid, id } = scene.domain(node);
    const owner = scene.mark(node);
    become(scene.oracle.asked({ host: 'h', kind: 'destroy', uuid, id, owner }));
  }
}

function upload(scene: Scene) {
  const artifact = { volume: imageVolume, sha256: 'a'.repeat(64) };
  return scene.oracle.asked({ host: 'h', kind: 'uploadArtifact', artifact });
}

function failing(scene: Scene, waitMs: number, isDone = false, times = 3): void {
  for (let left = times; left > 0; left -= 1) {
    const act = upload(scene);
    if (isDone) act.through(() => {});
    act.ended(new Error('no route'));
    scene.wait(waitMs);
  }
}
