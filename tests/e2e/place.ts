/**
 * Where the controller runs: inside the lab, next to its libvirt, or in a network of its own that
 * has one wire to the lab and no route to the guests. There it is an ordinary user of a real sshd,
 * who is in the group libvirt and has nothing else.
 */
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from '../../lab/lab.ts';
import { generateEd25519 } from '../../src/drivers/ssh/keys.ts';
import { startSshd } from '../support/private-sshd.ts';

export interface Place {
  spawn(argv: string[], options: SpawnOptions): ChildProcess;
  /** The BenchHost that the controller needs to be told. */
  hostManifest?: string;
  close(): Promise<void>;
}

export function localPlace(lab: Lab): Place {
  return { spawn: (argv, options) => lab.spawn(argv, options), close: async () => {} };
}

const hypervisorAddress = '10.77.0.1';
const controllerAddress = '10.77.0.2';

export async function createRemotePlace(lab: Lab, root: string): Promise<Place> {
  const network = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', '--', 'unshare', '--net', 'sleep', 'infinity'],
    { stdio: 'ignore' },
  );
  const pid = network.pid;
  if (pid === undefined) throw new Error('no network namespace for the controller');
  connect(lab.pid, await enteredNetwork(pid));
  const key = generateEd25519('bench');
  const sshd = await startSshd({
    users: [{ name: 'bench', groups: ['libvirt'], authorizedKeys: [key.publicKey] }],
    inside: lab.pid,
    address: hypervisorAddress,
  });
  const identity = join(root, 'identity');
  const knownHosts = join(root, 'known_hosts');
  await writeFile(identity, key.privateKey, { mode: 0o600 });
  await writeFile(knownHosts, `[${hypervisorAddress}]:${sshd.port} ${sshd.hostKey}\n`);
  return {
    spawn: (argv, options) => {
      const words = ['-t', `${pid}`, '-n', '--', 'setpriv', '--pdeathsig', 'KILL', '--', ...argv];
      return spawn('nsenter', words, options);
    },
    hostManifest: `apiVersion: benchcluster.io/v1alpha1
kind: BenchHost
metadata:
  name: remote
spec:
  uri: qemu+ssh://bench@${hypervisorAddress}:${sshd.port}/system
  ssh:
    identityFile: ${identity}
    knownHostsFile: ${knownHosts}
`,
    async close() {
      await sshd.stop();
      network.kill('SIGKILL');
    },
  };
}

/** Waits until the process is in a network namespace of its own. */
async function enteredNetwork(pid: number): Promise<number> {
  const own = execFileSync('readlink', ['/proc/self/ns/net']).toString();
  for (let tries = 0; tries < 100; tries += 1) {
    const theirs = execFileSync('readlink', [`/proc/${pid}/ns/net`]).toString();
    if (theirs !== own) return pid;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('the network namespace of the controller was not made');
}

/** One wire between the lab and the controller's network, and nothing else. */
function connect(lab: number, controller: number): void {
  const inside = (pid: number, ...argv: string[]) =>
    execFileSync('nsenter', ['-t', `${pid}`, '-n', '--', 'ip', ...argv]);
  inside(
    lab,
    'link',
    'add',
    'wire0',
    'type',
    'veth',
    'peer',
    'name',
    'wire1',
    'netns',
    `${controller}`,
  );
  inside(lab, 'addr', 'add', `${hypervisorAddress}/24`, 'dev', 'wire0');
  inside(lab, 'link', 'set', 'wire0', 'up');
  inside(controller, 'addr', 'add', `${controllerAddress}/24`, 'dev', 'wire1');
  inside(controller, 'link', 'set', 'wire1', 'up');
  inside(controller, 'link', 'set', 'lo', 'up');
}
