/** Two installations on one host, as the oracle of one of them sees it: pairs that look alike. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Case } from './case.ts';
import { partOfImage } from './derived.ts';
import { cluster, imageVolume, Scene } from './scene.ts';
import type { NetworkTruth } from './truth.ts';

const owner = { installation: '2b91e7d4-0000-4000-8000-000000000002' };
const deletion = { host: 'h', kind: 'deleteVolume', name: imageVolume } as const;

/** A network of the other one. */
function withTheirs(scene: Scene): Scene {
  scene.host.networks.push({ name: 'theirs', uuid: 'n', active: false, owner, leases: [] });
  return scene.wait(10_000);
}

/** What that installation uploads of our image. */
function withPart(scene: Scene, { installation }: { installation: string }): string {
  const name = partOfImage(imageVolume, installation);
  scene.host.volumes.push({ name, capacityBytes: 1000 });
  scene.wait(10_000);
  return name;
}

/** Its deletion is ordered, and its image is all that is left of it. */
function emptied(scene: Scene): Scene {
  scene.withdraw();
  scene.host.domains = [];
  scene.host.networks = [];
  scene.host.volumes = scene.host.volumes.filter(({ name }) => name === imageVolume);
  return scene.act({ kind: 'putCluster', cluster, record: { deletionTimestamp: 'now' } });
}

const gone = { kind: 'removeCluster', cluster } as const;

/** A person has taken its mark away, and it is off. */
function stripped(scene: Scene): Scene {
  scene.change('destroy', 'a-w-1');
  scene.oracle.violations.length = 0;
  delete scene.domain('a-w-1').owner;
  return scene.wait(1000).wait(20_000);
}

/** Of the machine as it was; the host refuses. */
function startStripped(scene: Scene): void {
  const uuid = scene.uuid('a-w-1');
  const effect = { host: 'h', kind: 'start', uuid, owner: scene.mark('a-w-1') } as const;
  scene.oracle.asked(effect).ended(new Error('it does not carry our mark'));
}

/** Of the name that theirs has. */
function make(scene: Scene, change: (theirs: NetworkTruth) => void): void {
  const theirs = scene.host.networks.find(({ name }) => name === 'theirs');
  assert.ok(theirs);
  const network = { name: 'theirs', uuid: 'n', owner: { installation: scene.installation } };
  scene.act({ host: 'h', kind: 'createNetwork', network }, () => change(theirs));
}

/** Several times in a row, and after a while at once again. */
function failToUpload(scene: Scene, meanwhile: () => void): void {
  const artifact = { volume: imageVolume, sha256: 'a'.repeat(64) };
  const fail = () => {
    const act = scene.oracle.asked({ host: 'h', kind: 'uploadArtifact', artifact });
    act.ended(new Error('the other one is uploading it'));
  };
  scene.removeVolume(imageVolume);
  for (const waitMs of [1000, 2000, 4000, 8000]) {
    fail();
    scene.wait(waitMs);
  }
  fail();
  scene.wait(0);
  meanwhile();
  fail();
}

const cases: Case[] = [
  {
    id: 'S1',
    what: 'a network of the other one is switched on under the name that we wanted',
    bad(scene) {
      make(withTheirs(scene), (theirs) => {
        theirs.active = true;
      });
    },
    good(scene) {
      make(withTheirs(scene), ({ leases }) => leases.push({ mac: 'm', address: 'a' }));
    },
  },
  {
    id: 'S1',
    what: 'the part of the other one goes with an image',
    bad(scene) {
      const part = withPart(emptied(scene), owner);
      scene.act(deletion, () => scene.removeVolume(part));
    },
    good(scene) {
      const part = withPart(emptied(scene), scene);
      scene.act(deletion, () => scene.removeVolume(part));
    },
  },
  {
    id: 'S1',
    what: 'a machine whose mark a person took away is started, by no listing of before',
    bad: (scene) => startStripped(stripped(scene)),
    good(scene) {
      stripped(scene).oracle.misled();
      startStripped(scene);
    },
  },
  {
    id: 'S16',
    what: 'an upload that failed is tried again at once, unless the other one had made it needless',
    bad: (scene) => failToUpload(scene, () => scene.wait(1000)),
    good: (scene) =>
      failToUpload(scene, () => {
        scene.host.volumes.push({ name: imageVolume, capacityBytes: 1000 });
        scene.wait(500).removeVolume(imageVolume);
        scene.wait(500);
      }),
  },
  {
    id: 'S13',
    what: 'an image of ours is left, and not by an upload of the other one',
    bad: (scene) => emptied(scene).act(gone),
    good(scene) {
      withPart(emptied(scene), owner);
      scene.act(gone);
    },
  },
  {
    id: 'S13',
    what: 'an image is left that we made, beside a neighbour',
    bad: (scene) => withTheirs(emptied(scene)).act(gone),
    good(scene) {
      withTheirs(emptied(scene)).act(deletion, () => scene.removeVolume(imageVolume));
      scene.host.volumes.push({ name: imageVolume, capacityBytes: 1000 });
      scene.wait(1000).act(gone);
    },
  },
];

describe('two installations', () => {
  for (const { id, what, bad, good } of cases) {
    test(`${id}: ${what}`, () => {
      const [wrong, right] = [new Scene().ready(), new Scene().ready()];
      bad(wrong);
      assert.ok(wrong.found.includes(id), wrong.oracle.lines.join() || 'it was not noticed');
      good(right);
      const told = right.oracle.violations.filter((violation) => violation.id === id);
      assert.deepEqual(told, []);
    });
  }
});
