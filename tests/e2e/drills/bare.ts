/**
 * Clusters whose guests have no operating system: everything that the controller does on a host is
 * real, a guest takes a third of a second to start, and none is ever reached or joined.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ClusterStatus } from '../../../src/crd/status.ts';
import type { Bench } from '../test-bench.ts';

const mortal = fileURLToPath(new URL('./mortal.ts', import.meta.url));

/** For `startController`: a process that knows how to die; see mortal.ts. */
export function mortalEnv(drill: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...process.env, NODE_OPTIONS: `--import=${mortal}`, ...drill };
}

/** A disk image whose first sector is that code, and the manifest that brings it. */
export async function writeBareImage(
  bench: Bench,
  boot = Buffer.alloc(0),
  dataBytes = 0,
): Promise<{ volume: string; sha256: string }> {
  const raw = join(bench.dir, 'bare.raw');
  const disk = join(bench.dir, 'bare.qcow2');
  await writeFile(raw, Buffer.concat([boot, Buffer.alloc(2 ** 20 - boot.length)]));
  await truncate(raw, Math.max(2 ** 20, 2 * dataBytes));
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, disk]);
  await rm(raw);
  if (dataBytes > 0) {
    const write = `write -P 7 ${2 ** 20} ${dataBytes}`;
    execFileSync('qemu-io', ['-c', write, disk], { stdio: 'ignore' });
  }
  const sha256 = createHash('sha256').update(readFileSync(disk)).digest('hex');
  await bench.write(
    'image.yaml',
    `apiVersion: benchcluster.io/v1alpha1
kind: BenchImage
metadata: {name: bare}
spec: {source: {path: bare.qcow2, sha256: ${sha256}}, provides: [slurm]}
`,
  );
  return { volume: `bare-${sha256.slice(0, 12)}.qcow2`, sha256 };
}

/** No guest ever answers, so a drain can only end by force. */
export function bareCluster(name: string, workers: number, network = 'bare'): string {
  return `apiVersion: benchcluster.io/v1alpha1
kind: BenchCluster
metadata: {name: ${name}}
spec:
  scheduler: {slurm: {}}
  image: bare
  network: {name: ${network}, managed: {cidr: 192.168.151.0/24, forward: none}}
  controlPlane: {memory: 64Mi, disk: 1Gi}
  workers:
  - name: compute
    memory: 64Mi
    disk: 1Gi
    drain: {timeout: 1s, onTimeout: Force}
    replicas: ${workers}
`;
}

/** True when so many nodes run; after a while their silence is held against them. */
export function isRunning(nodes: number): (status: ClusterStatus | undefined) => boolean {
  return (status) =>
    status?.nodes.length === nodes &&
    status.nodes.every(({ phase, reason }) => phase === 'Booting' || reason === 'Unreachable');
}
