/**
 * The peer of the bench `cluster-ready`: the barest script that makes the same cluster, as a person
 * would write it who knows everything beforehand. It runs virsh and ssh, checks nothing, adopts
 * nothing and repairs nothing. It runs inside the lab, takes a `BareCluster` as a JSON file, and
 * prints how long each step took, in milliseconds since it began.
 */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface BareNode {
  name: string;
  mac: string;
  volume: string;
  xml: string;
}

export interface BareCluster {
  network: { name: string; xml: string };
  image: string;
  capacity: string;
  head: BareNode;
  workers: BareNode[];
  feature: string;
  /** Where keys and sockets of ssh are. */
  root: string;
  /** Base64. */
  mungeKey: string;
  /** With `@ADDRESS@` for the head's. */
  slurmConf: string;
}

const run = promisify(execFile);
const pollMs = 500;
const began = performance.now();

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function step(text: string): void {
  process.stdout.write(`${Math.round(performance.now() - began)} ${text}\n`);
}

async function virsh(...args: string[]): Promise<string> {
  return (await run('virsh', ['-q', '-c', 'qemu:///system', ...args])).stdout;
}

/** A file that virsh can read. */
async function saved(root: string, name: string, text: string): Promise<string> {
  const path = join(root, name);
  await writeFile(path, text);
  return path;
}

async function boot({ image, capacity, root }: BareCluster, node: BareNode): Promise<void> {
  const xml = await saved(root, `${node.name}.xml`, node.xml);
  const format = ['--format', 'qcow2', '--backing-vol', image, '--backing-vol-format', 'qcow2'];
  await virsh('vol-create-as', 'default', node.volume, capacity, ...format);
  await virsh('define', xml);
  await virsh('start', node.name);
}

async function addressOf(network: string, mac: string): Promise<string> {
  for (;;) {
    const leases = await virsh('net-dhcp-leases', network, '--mac', mac);
    const address = /([\d.]+)\/\d+/.exec(leases)?.[1];
    if (address !== undefined) return address;
    await sleep(pollMs);
  }
}

async function ssh(root: string, address: string, script: string): Promise<string> {
  const options = [
    'ControlMaster=auto',
    `ControlPath=${root}/%h`,
    'ControlPersist=300',
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'LogLevel=ERROR',
    'ConnectTimeout=20',
  ].flatMap((option) => ['-o', option]);
  const argv = [...options, '-F', 'none', '-i', join(root, 'key'), `root@${address}`, '/bin/sh -s'];
  const child = run('ssh', argv);
  // Refused, ssh is gone before it is given the script; its exit says so, and the caller tries again.
  child.child.stdin?.on('error', () => {});
  child.child.stdin?.end(script);
  return (await child).stdout;
}

/** By its newest lease; ssh refuses until sshd listens. */
async function reach(cluster: BareCluster, node: BareNode): Promise<string> {
  const address = await addressOf(cluster.network.name, node.mac);
  step(`${node.name} has ${address}`);
  for (;;) {
    try {
      await ssh(cluster.root, address, 'true\n');
      step(`${node.name} is reached`);
      return address;
    } catch {
      await sleep(pollMs);
    }
  }
}

function common(name: string, mungeKey: string): string {
  return `set -e
echo ${name} >/etc/hostname
hostname ${name}
(umask 077; echo ${mungeKey} | base64 -d >/etc/munge/munge.key)
chown munge:munge /etc/munge/munge.key
`;
}

async function form(cluster: BareCluster): Promise<string> {
  const address = await reach(cluster, cluster.head);
  const script = `${common(cluster.head.name, cluster.mungeKey)}cat >/etc/slurm/slurm.conf <<'end'
${cluster.slurmConf.replaceAll('@ADDRESS@', address)}end
systemctl enable --now munge slurmctld
until scontrol ping >/dev/null 2>&1; do sleep 0.3; done
`;
  await ssh(cluster.root, address, script);
  step('the head is formed');
  return address;
}

async function joinWorker(
  cluster: BareCluster,
  node: BareNode,
  formed: Promise<string>,
): Promise<void> {
  const address = await reach(cluster, node);
  const head = await formed;
  const script = `${common(node.name, cluster.mungeKey)}mkdir -p /etc/systemd/system/slurmd.service.d
cat >/etc/systemd/system/slurmd.service.d/join.conf <<'end'
[Unit]
ConditionPathExists=
[Service]
ExecStart=
ExecStart=/usr/sbin/slurmd -D -s -Z --conf-server ${head}:6817 --conf "Feature=${cluster.feature}"
end
systemctl enable --now munge slurmd
`;
  await ssh(cluster.root, address, script);
  step(`${node.name} has joined`);
}

async function main(file: string): Promise<void> {
  const cluster = JSON.parse(await readFile(file, 'utf8')) as BareCluster;
  const { network, root, head, workers } = cluster;
  const xml = await saved(root, 'network.xml', network.xml);
  await virsh('net-define', xml);
  await virsh('net-start', network.name);
  await Promise.all([head, ...workers].map((node) => boot(cluster, node)));
  step('the VMs are started');
  const formed = form(cluster);
  await Promise.all(workers.map((node) => joinWorker(cluster, node, formed)));
  const ask = `until [ "$(sinfo -h -N -p all -t idle -o %N | wc -l)" = ${workers.length} ]; do sleep 0.3; done\n`;
  await ssh(root, await formed, ask);
  step('ready');
}

await main(process.argv[2] ?? '');
