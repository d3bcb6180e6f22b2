/** A cluster goes while another one comes that wants the same image. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterOf } from '../fakes/builders.ts';
import { writtenWorld } from './scenes.ts';

const [alpha, beta] = [clusterOf({ replicas: 0 }), clusterOf({ name: 'beta', replicas: 0 })];

test('of one that goes the image is kept for one that is written meanwhile, however old the listing is', async () => {
  for (let at = 0; at < 15_000; at += 700) {
    const world = writtenWorld(alpha);
    await world.start();
    await world.untilReady('alpha');
    world.watched.staleMs = 1000;
    world.source.remove(alpha);
    await world.clock.advance(at);
    world.source.put(beta);
    await world.untilGone('alpha');
    await world.untilReady('beta');
    assert.deepEqual(world.watched.violations, [], `written after ${at} ms`);
  }
});
