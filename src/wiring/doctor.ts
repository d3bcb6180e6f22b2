/** The probes of `benchctl doctor`: raw facts of this machine and of the hosts in the directory. */
import { execFile } from 'node:child_process';
import { access, constants, stat } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { missingPackages } from '../../scripts/packages.ts';
import type { Places } from '../cli/context.ts';
import type { DoctorProbes, HostProbe, KeyFacts } from '../cli/doctor/probes.ts';
import { defaultHost } from '../controllers/bench-cluster/references.ts';
import { bytesOf } from '../crd/quantity.ts';
import { openManifestDirectory } from '../drivers/manifest-directory.ts';
import { systemClock } from '../lib/clock.ts';
import { createLog } from '../lib/log.ts';
import { Hosts } from './hosts.ts';

const run = promisify(execFile);

export function doctorProbes(
  places: Places,
  env: Readonly<Record<string, string | undefined>>,
): DoctorProbes {
  return {
    nodeVersion: () => process.versions.node,
    async packages() {
      const apt = await succeeds(run('apt-get', ['--version']));
      return { apt, missing: missingPackages() ?? [] };
    },
    async user() {
      const { username, uid } = userInfo();
      const { stdout } = await run('id', ['-Gn']);
      return { name: username, root: uid === 0, groups: stdout.trim().split(/\s+/) };
    },
    async kvm() {
      const present = await succeeds(access('/dev/kvm'));
      const usable = await succeeds(access('/dev/kvm', constants.R_OK | constants.W_OK));
      return { present, usable };
    },
    sshKey: () => sshKey(env),
    async images() {
      const { manifests } = await snapshot(places);
      const images = manifests.flatMap((item) => (item.kind === 'BenchImage' ? [item.object] : []));
      return Promise.all(
        images.map(async ({ metadata, spec }) => ({
          name: metadata.name,
          file: spec.source.path,
          present: await succeeds(access(spec.source.path, constants.R_OK)),
        })),
      );
    },
    async state() {
      const parent = await stat(places.state).catch(() => undefined);
      const writable = await succeeds(access(parent ? places.state : homedir(), constants.W_OK));
      return { path: places.state, writable, exposed: ((parent?.mode ?? 0) & 0o077) !== 0 };
    },
    hosts: () => hostProbes(places, env),
  };
}

async function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}

async function snapshot(places: Places) {
  const source = await openManifestDirectory(places.dir, { clock: systemClock, settleMs: 0 });
  await source.close();
  return source.snapshot();
}

async function sshKey(env: Readonly<Record<string, string | undefined>>): Promise<KeyFacts> {
  if (env.SSH_AUTH_SOCK) return { found: 'ssh-agent', exposed: false };
  for (const name of ['id_ed25519', 'id_ecdsa', 'id_rsa']) {
    const path = join(homedir(), '.ssh', name);
    const found = await stat(path).catch(() => undefined);
    if (found) return { found: path, exposed: (found.mode & 0o077) !== 0 };
  }
  return { exposed: false };
}

async function hostProbes(
  places: Places,
  env: Readonly<Record<string, string | undefined>>,
): Promise<HostProbe[]> {
  const { manifests } = await snapshot(places);
  const found = manifests.flatMap((item) => (item.kind === 'BenchHost' ? [item.object] : []));
  const clusters = manifests.flatMap((item) => (item.kind === 'BenchCluster' ? [item.object] : []));
  const foreign = clusters.filter(({ spec }) => !spec.network.managed);
  const pools = clusters.flatMap(({ spec }) => [
    { replicas: spec.controlPlane.replicas, disk: spec.controlPlane.disk },
    ...spec.workers,
  ]);
  const wantedBytes = pools.reduce((sum, pool) => sum + pool.replicas * bytesOf(pool.disk), 0);
  return (found.length > 0 ? found : [defaultHost]).map((host) => ({
    name: host.metadata.name,
    uri: host.spec.uri,
    pool: host.spec.pool,
    networks: foreign.map(({ spec }) => spec.network.name),
    wantedBytes,
    async inventory(signal) {
      const hosts = new Hosts({ installation: '', log: createLog('silent'), env });
      try {
        return await hosts.hypervisor(host).inventory(signal);
      } finally {
        await hosts.close();
      }
    },
  }));
}
