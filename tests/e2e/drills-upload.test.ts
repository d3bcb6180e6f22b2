/**
 * Drill B8: the upload of an image is cut at twenty offsets, by the death of the client's connection,
 * of libvirtd and of the controller's process. What is under the final name is whole, always.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Artifact, Hypervisor } from '../../src/controllers/ports.ts';
import { createHypervisor } from '../../src/drivers/libvirt/hypervisor.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { dialUnix } from '../../src/libvirt/dial.ts';
import { type HypervisorLab, needsRoot, openHypervisorLab } from '../contract/hypervisor-lab.ts';
import { installation } from '../drivers/libvirt/specs.ts';
import { bareCluster, isRunning, mortalEnv, writeBareImage } from './drills/bare.ts';
import { createBench, eventually } from './test-bench.ts';

const cuts = 20;
const imageBytes = 48 * 2 ** 20;
const signal = (): AbortSignal => AbortSignal.timeout(60_000);

/** In the midst of each twentieth. */
function offsetOf(cut: number): number {
  return Math.floor(((cut + 0.5) / cuts) * imageBytes);
}

class Pool {
  readonly #folder: string;
  readonly #volume: string;
  readonly #sha256: string;
  /** Times that the volume under the final name was looked at, and was whole. */
  whole = 0;

  constructor(folder: string, { volume, sha256 }: Pick<Artifact, 'volume' | 'sha256'>) {
    this.#folder = folder;
    this.#volume = volume;
    this.#sha256 = sha256;
  }

  /** What is left of cut uploads, besides the volume itself. */
  leftovers(): string[] {
    return readdirSync(this.#folder).filter(
      (name) => name.startsWith(this.#volume) && name !== this.#volume,
    );
  }

  /** A final name counts while no part of it exists. */
  isVisible(): boolean {
    return existsSync(join(this.#folder, this.#volume)) && this.leftovers().length === 0;
  }

  requireWholeIfVisible(): boolean {
    if (!this.isVisible()) return false;
    const bytes = readFileSync(join(this.#folder, this.#volume));
    assert.equal(createHash('sha256').update(bytes).digest('hex'), this.#sha256);
    this.whole += 1;
    return true;
  }
}

/** Resolves when it has begun to fail, or was not cut at all. */
async function cutAt(
  by: Hypervisor,
  artifact: Artifact,
  offset: number,
  act: () => Promise<unknown>,
): Promise<void> {
  let acted: Promise<unknown> | undefined;
  const progress = (sent: number): void => {
    if (sent >= offset) acted ??= act();
  };
  await assert.rejects(by.uploadArtifact(artifact, progress, signal()));
  assert.ok(acted);
  await acted;
}

async function untilReachable(hypervisor: Hypervisor): Promise<void> {
  const ask = () => hypervisor.inventory(signal()).then(() => '', String);
  await eventually('libvirt answers', ask, (error) => error === '', 20_000);
}

async function finish(host: HypervisorLab, artifact: Artifact, pool: Pool): Promise<void> {
  await host.hypervisor.uploadArtifact(artifact, () => undefined, signal());
  assert.ok(pool.requireWholeIfVisible());
  assert.deepEqual(pool.leftovers(), []);
}

describe('drill B8', { skip: needsRoot, timeout: 600_000 }, () => {
  it('the client, and libvirtd, die in the midst of an upload', async (t) => {
    const began = performance.now();
    const host = await openHypervisorLab();
    t.after(() => host.close());
    const folder = join(host.lab.dir, 'lib', 'images');
    const artifact = host.file('image', imageBytes);
    const pool = new Pool(folder, artifact);
    for (let cut = 0; cut < cuts; cut += 1) {
      // A client of its own, which ends without a word: its sockets are destroyed.
      const sockets: Awaited<ReturnType<ReturnType<typeof dialUnix>>>[] = [];
      const dial = dialUnix(host.lab.socket);
      const client = createHypervisor({
        dial: async (by) => {
          if (sockets.length > 0 && sockets.every(({ destroyed }) => destroyed)) {
            throw new Error('this client is dead');
          }
          const socket = await dial(by);
          sockets.push(socket);
          return socket;
        },
        ...{ poolName: 'default', installation, clock: systemClock, log: createLog('silent') },
      });
      await cutAt(client, artifact, offsetOf(cut), async () => {
        for (const socket of sockets) socket.destroy();
      });
      await client.close();
      assert.equal(pool.requireWholeIfVisible(), false);
    }
    await finish(host, artifact, pool);
    await host.hypervisor.deleteVolume(artifact.volume, undefined, signal());
    for (let cut = 0; cut < cuts; cut += 1) {
      await cutAt(host.hypervisor, artifact, offsetOf(cut), () =>
        host.lab.restartDaemon({ kill: true }),
      );
      assert.equal(pool.requireWholeIfVisible(), false);
      await untilReachable(host.hypervisor);
    }
    await finish(host, artifact, pool);
    const seconds = Math.round((performance.now() - began) / 1000);
    t.diagnostic(
      `B8: ${cuts} offsets with the client killed, ${cuts} with libvirtd killed: 0 halves under the ` +
        `final name, whole and alone in the end; ${seconds} s`,
    );
  });

  it('the controller is killed in the midst of an upload', async (t) => {
    const began = performance.now();
    await using bench = await createBench();
    const artifact = await writeBareImage(bench, Buffer.alloc(0), imageBytes);
    const pool = new Pool(join(bench.lab.dir, 'lib', 'images'), artifact);
    await bench.write('one.yaml', bareCluster('one', 0));
    for (let cut = 0; cut < cuts; cut += 1) {
      bench.startController(mortalEnv({ DRILL_DIE_BYTES: `${offsetOf(cut)}` }));
      assert.equal(await bench.controllerEnd(), 'SIGKILL', await bench.log());
      assert.equal(pool.requireWholeIfVisible(), false);
    }
    bench.startController();
    await bench.until('one', 'it runs', isRunning(1), 60_000);
    assert.ok(pool.requireWholeIfVisible());
    const seconds = Math.round((performance.now() - began) / 1000);
    t.diagnostic(
      `B8: ${cuts} offsets with the controller killed: 0 halves under the final name; ${seconds} s`,
    );
  });
});
